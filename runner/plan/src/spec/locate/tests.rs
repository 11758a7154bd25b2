use super::*;

fn key(name: &str) -> Step {
    Step::Key(name.to_owned())
}

#[test]
fn finds_keys_and_elements_behind_any_value() {
    let text = "{\n  \"a\": {\"x\": [1, \"}]\\\"\", {}]},\n  \"b\": [true, null,\n    {\"ü\": 1, \"c\": 2}]\n}";
    assert_eq!(locate(text, &[key("a")]), Some((2, 3)));
    assert_eq!(locate(text, &[key("b"), Step::Index(1)]), Some((3, 15)));
    assert_eq!(
        locate(text, &[key("b"), Step::Index(2), key("c")]),
        Some((4, 14))
    );
    assert_eq!(locate(text, &[key("nope")]), None);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_or_hang(text: String) {
        let _: Option<(usize, usize)> = locate(&text, &[key("a"), Step::Index(3)]);
    }
}
