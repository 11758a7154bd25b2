use super::*;
use proptest::prelude::*;

const ID: &str = "0123456789abcdef0123456789ABCDEF01234567";

#[test]
fn a_name_is_what_its_form_says() {
    let name = |text: &str| Ok(Revision::Name(text.to_owned()));
    assert_eq!(Revision::parse(""), Ok(Revision::Default));
    assert_eq!(Revision::parse("HEAD"), Ok(Revision::Default));
    assert_eq!(Revision::parse(ID), Ok(Revision::Commit(ID.to_lowercase())));
    assert_eq!(Revision::parse(&ID[1..]), name(&ID[1..]));
    assert_eq!(
        Revision::parse("refs/pull/7/head"),
        Ok(Revision::Reference("refs/pull/7/head".to_owned()))
    );
    for text in [
        "main",
        "v1.2.3",
        "feature/ünï",
        "dependabot/npm_and_yarn/@scope/x-1.0",
        "fix#42+more",
        "a-b",
        "a/-b",
        "a@b",
        "lock",
        "x.lockd",
        "0123abc",
        "%2e%2e",
        "$(id)",
    ] {
        assert_eq!(Revision::parse(text), name(text));
        assert_eq!(Branch::parse(text).as_ref().map(Branch::name), Ok(text));
    }
}

#[test]
fn what_git_would_not_take_is_refused_and_so_is_an_option() {
    use RevisionError::{Character, Option, Part, Sequence, TooLong};
    for (text, error) in [
        ("-x", Option),
        ("--upload-pack=touch /tmp/x", Option),
        ("refs/heads/-x", Option),
        ("refs/tags/--exec", Option),
        ("a b", Character),
        ("a\n", Character),
        ("a\0b", Character),
        ("a\u{7f}", Character),
        ("a~1", Character),
        ("a^", Character),
        ("a:b", Character),
        ("a?", Character),
        ("a*", Character),
        ("a[", Character),
        ("a\\b", Character),
        ("a..b", Sequence),
        ("a@{1}", Sequence),
        ("a//b", Sequence),
        ("@", Sequence),
        ("/a", Part),
        ("a/", Part),
        ("a.", Part),
        (".a", Part),
        ("a/.b", Part),
        ("a.lock", Part),
        ("a.lock/b", Part),
        ("refs/", Part),
    ] {
        assert_eq!(Revision::parse(text), Err(error), "{text:?}");
    }
    assert_eq!(Revision::parse(&"a".repeat(256)), Err(TooLong));
    assert!(Revision::parse(&"a".repeat(255)).is_ok());
}

#[test]
fn a_branch_is_called_by_its_short_name() {
    for text in ["refs/heads/main", "HEAD"] {
        assert_eq!(Branch::parse(text), Err(RevisionError::NotShort), "{text}");
    }
    assert_eq!(Branch::parse(""), Err(RevisionError::Empty));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_is_taken_is_one_word_that_is_no_option(
        text in prop_oneof!["[a/.@{~^:?*\\[\\\\ \u{0}lock-]{0,10}", any::<String>()],
    ) {
        if let Ok(revision) = Revision::parse(&text) {
            let shown = revision.to_string();
            prop_assert!(!shown.starts_with('-') && !shown.is_empty() && shown.len() <= 255);
            prop_assert!(!shown.contains(|letter: char| letter.is_control() || letter == ' ' || letter == ':'));
            prop_assert!(!shown.contains("..") && !shown.ends_with('/'));
            prop_assert_eq!(Revision::parse(&shown), Ok(revision));
        }
        if let Ok(branch) = Branch::parse(&text) {
            prop_assert_eq!(branch.name(), &text);
            prop_assert!(Revision::parse(&text).is_ok());
        }
    }
}
