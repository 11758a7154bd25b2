use serde_json::{Value, json};

use super::{Node, Place, Step, display, documents, steps};

#[track_caller]
fn read(text: &str) -> Node {
    Node::parse(text).expect("it is a document")
}

fn refused(text: &str) -> String {
    let error = documents(text).expect_err("it is refused");
    match error.place {
        Some(place) => format!("{place}: {}", error.problem),
        None => error.problem,
    }
}

fn at(line: u64, column: u64) -> Place {
    Place { line, column }
}

#[test]
fn the_same_value_is_the_same_tree_in_yaml_and_json() {
    let value = json!({
        "text": "a \"b\" \\ \n \u{1F680} \u{e9}",
        "list": [1, -2, 1.5, true, null, [], {}],
        "object": { "a.b/c": "x", "": "w", "1": "z" },
        "large": 18_446_744_073_709_551_615_u64,
    });
    let json = serde_json::to_string_pretty(&value).expect("it is JSON");
    let yaml = r#"
text: "a \"b\" \\ \n 🚀 é"
list: [1, -2, 1.5, true, null, [], {}]
object:
  a.b/c: x
  "": w
  1: z
large: 18446744073709551615
"#;
    assert_eq!(read(&json).json(), value);
    assert_eq!(read(yaml).json(), value);
}

#[test]
fn fields_stay_in_their_order() {
    for text in ["{\"b\": 1, \"c\": 2, \"a\": 3}", "b: 1\nc: 2\na: 3\n"] {
        assert_eq!(read(text).json().to_string(), r#"{"b":1,"c":2,"a":3}"#);
    }
}

#[test]
fn json_is_read_also_where_it_is_no_yaml() {
    let long = "k".repeat(2000);
    for value in [
        json!({ long: 1 }),
        json!({ "a": "\u{7f}" }),
        json!({ "a": "\u{1F680}" }),
    ] {
        assert_eq!(read(&value.to_string()).json(), value);
    }
    let halves = r#"{"a": "\ud83d\ude80", "b": "\/"}"#;
    assert_eq!(read(halves).json(), json!({ "a": "🚀", "b": "/" }));
}

#[test]
fn every_value_knows_its_place() {
    let yaml = "# é\na:\n  - x\n  - b: \"é\"; c\n".replace("; c", "");
    let node = read(&yaml);
    assert_eq!(node.place_of("a"), at(2, 1));
    assert_eq!(node.at("a").map(|node| node.place), Some(at(3, 3)));
    assert_eq!(node.place_of("a[0]"), at(3, 5));
    assert_eq!(node.place_of("a[1].b"), at(4, 5));
    let json = "{\n  \"é\": 1, \"a\": [\n    {\"b\": 2}\n  ]\n}\n";
    let node = read(json);
    assert_eq!(node.place_of("a"), at(2, 11));
    assert_eq!(node.at("a").map(|node| node.place), Some(at(2, 16)));
    assert_eq!(node.place_of("a[0].b"), at(3, 6));
}

#[test]
fn the_place_of_what_is_missing_is_that_of_what_it_is_missing_in() {
    let node = read("a:\n  b: 1\n");
    assert_eq!(node.place_of("a.c.d"), at(1, 1));
    assert_eq!(node.place_of("x"), node.place);
}

#[test]
fn a_path_is_read_as_it_is_written() {
    assert_eq!(
        display(&steps("adapter.argsTemplate[2]")),
        "adapter.argsTemplate[2]"
    );
    let path = [
        Step::Key("metadata".to_owned()),
        Step::Key("a.b/c".to_owned()),
        Step::Index(3),
        Step::Key("q\"]".to_owned()),
        Step::Key(String::new()),
        Step::Key("\u{1b}[2J".to_owned()),
    ];
    assert_eq!(
        display(&path),
        r#"metadata["a.b/c"][3]["q\"]"][""]["\u001b[2J"]"#
    );
    assert_eq!(steps(&display(&path)), path);
    for (broken, read) in [
        ("a[", 1),
        ("a[x]", 1),
        ("a[\"b", 1),
        ("a[\"b\"", 1),
        ("a]b", 1),
        ("..", 0),
        ("[[[[", 0),
    ] {
        assert_eq!(steps(broken).len(), read, "{broken}");
    }
}

#[test]
fn documents_are_separated_in_yaml_and_follow_each_other_in_json() {
    let values = |text: &str| -> Vec<Value> {
        let all = documents(text).expect("they are documents");
        all.iter().map(Node::json).collect()
    };
    assert_eq!(
        values("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n"),
        [json!({"a": 1}), json!({"b": 2})]
    );
    assert_eq!(
        values("{\"a\": 1}\n{\"b\": 2}"),
        [json!({"a": 1}), json!({"b": 2})]
    );
    assert_eq!(
        values("--- {a: 1}\n--- [2]\n"),
        [json!({"a": 1}), json!([2])]
    );
    assert!(
        values("").is_empty() && values("# nothing\n").is_empty() && values("---\n").is_empty()
    );
}

#[test]
fn what_breaks_off_is_refused_with_its_place() {
    for (text, begins) in [
        ("a: 1\nb: [1\n", "line 2 column 4: unclosed bracket '['"),
        ("{\"a\": 1,\n \"b\" 2}", "line 2 column"),
        ("a: 1\nb: *c\n", "line 2 column 4: "),
        ("a: 1\nb: 2\n\tc: 3\n", "line 2 column"),
    ] {
        let words = refused(text);
        assert!(
            words.starts_with(begins) && !words.contains(" at line"),
            "{words}"
        );
    }
}

#[test]
fn a_field_that_is_there_twice_is_refused() {
    assert!(
        refused("a: 1\nb: 2\na: 3\n").starts_with("line 3 column 1"),
        "{}",
        refused("a: 1\nb: 2\na: 3\n")
    );
    assert!(
        refused("{\"a\": 1,\n\"\\u0061\": 2}").starts_with("line 2 column 1: `a` is there twice")
    );
}

#[test]
fn values_are_bounded_in_depth_and_number() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        assert!(documents(&nested(super::MAX_DEPTH)).is_ok());
        let words = refused(&nested(super::MAX_DEPTH + 1));
        assert!(words.contains("more than 48 lists and objects"), "{words}");
        refused(&nested(100_000));
        refused(&open.repeat(1_000_000));
    }
    let deep: Vec<_> = (0..5000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth % 2000)))
        .collect();
    let deep = deep.concat();
    refused(&deep);
    refused(&"- ".repeat(100_000));
    let many = format!("[{}1]", "1,".repeat(600_000));
    assert!(refused(&many).ends_with("more than 500000 values"));
    refused(&"- 1\n".repeat(600_000));
}

#[test]
fn aliases_repeat_little() {
    let bomb: Vec<_> = (1..30)
        .map(|level| {
            let before = level - 1;
            format!("a{level}: &a{level} [*a{before}, *a{before}, *a{before}, *a{before}]\n")
        })
        .collect();
    let bomb = bomb.concat();
    let words = refused(&format!("a0: &a0 lol\n{bomb}"));
    assert!(
        words.contains("too many aliases") || words.contains("more than 500000 values"),
        "{words}"
    );
    let long = "x".repeat(1 << 20);
    let words = refused(&format!("a: &a {long}\nb: [{}*a]\n", "*a, ".repeat(50)));
    assert!(
        words.ends_with("more than 33554432 bytes of texts, with what aliases repeat"),
        "{words}"
    );
    let merges: Vec<_> = (0..50).map(|key| format!("k{key}: {{<<: *a}}\n")).collect();
    let merges = merges.concat();
    refused(&format!("a: &a {{x: {long}}}\n{merges}"));
    assert_eq!(
        documents(&format!("a: &a {long}\nb: [*a, *a]\n")).map(|all| all.len()),
        Ok(1)
    );
    assert_eq!(
        read("a: &a {x: 1}\nb: *a\nc: {<<: *a, z: 2}\n").json(),
        json!({"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "z": 2}})
    );
}

#[test]
fn words_are_what_kubernetes_takes_them_for() {
    let read = |word: &str| read(&format!("a: {word}\n")).json()["a"].clone();
    for (word, value) in [
        ("off", json!(false)),
        ("On", json!(true)),
        ("yes", json!(true)),
        ("no", json!(false)),
        ("y", json!(true)),
        ("N", json!(false)),
        ("~", json!(null)),
        ("", json!(null)),
        ("'off'", json!("off")),
        ("1.0", json!(1)),
        ("1e3", json!(1000)),
        ("-0.0", json!(0)),
        ("0644", json!(420)),
        ("0o644", json!(420)),
        ("0x10", json!(16)),
        ("0b11", json!(3)),
        ("1_000", json!(1000)),
        ("12:30:45", json!("12:30:45")),
        ("2026-01-01", json!("2026-01-01")),
        ("1.2.3", json!("1.2.3")),
        ("08", json!(8)),
        ("5m", json!("5m")),
        (".5", json!(0.5)),
        (
            "123456789012345678901234567890",
            json!(1.234_567_890_123_456_8e29),
        ),
        ("!!str 1", json!("1")),
        ("!custom x", json!("x")),
    ] {
        assert_eq!(read(word), value, "{word}");
    }
}

#[test]
fn a_tree_prints_no_value() {
    let node = read("password: hunter22\nlist: [hunter22]\n");
    let printed = format!("{node:?} {:?} {:?}", node.tree, node.at("password"));
    assert!(!printed.contains("hunter22"), "{printed}");
}

#[test]
fn what_is_refused_shows_no_value() {
    let mut taken = Vec::new();
    for text in [
        "a: !!int hunter22",
        "a: !!float hunter22",
        "a: !!bool hunter22",
        "a: !!null hunter22",
        "a: !!binary 'hunter22 %%'",
        "a: !!binary aHVudGVyMjL/",
        "a: !!set hunter22",
        "a: !!map hunter22",
        "a: 'hunter22",
        "a: \"hunter22 \\q\"",
        "a: *hunter22",
        "a: hunter22: hunter22",
        "{\"a\": \"hunter22\", }",
        "{\"a\": hunter22 hunter22, \"b\": \"\\x\"}",
        "{\"a\": \"hunter22",
        "hunter22\nb: 1",
        "a: |\n  hunter22\n b: 1",
        "<<: hunter22",
        "<<: [hunter22]",
        "? {hunter22: 1}\n: 2",
        "? [hunter22]\n: 2",
    ] {
        match documents(text) {
            Ok(_) => taken.push(text),
            Err(error) => assert!(!error.problem.contains("hunter22"), "{text} -> {error:?}"),
        }
    }
    assert_eq!(
        taken,
        [
            "a: !!null hunter22",
            "a: !!set hunter22",
            "{\"a\": \"hunter22\", }"
        ]
    );
    for (text, secret) in [
        ("a: 98765e43210", "98765e43210"),
        ("a: !!float 98765e43210", "98765e43210"),
        ("{\"a\": 98765e43210}", "98765e43210"),
        ("a: -.inf", ".inf"),
        ("a: {b: [.NaN]}", "NaN"),
        ("a: 1\n98765e43210: b", "98765e43210"),
    ] {
        let words = refused(text);
        assert!(words.contains("a number that is"), "{text} -> {words}");
        assert!(!words.contains(secret), "{text} -> {words}");
    }
}

#[test]
fn a_name_is_what_kubernetes_makes_of_it_and_there_once() {
    let yaml = "{n: 1, on: 2, 0644: 3, 0x1f: 4, \"y\": 5, 1.0: 6, -7: 8, !!str 08: 9, <<: {z: 1}}";
    let json = r#"{"false":1,"true":2,"420":3,"31":4,"y":5,"1":6,"-7":8,"08":9,"z":1}"#;
    assert_eq!(read(yaml).json().to_string(), json);
    for text in [
        "1: c\n\"1\": d",
        "on: c\n\"true\": d",
        "!x a: c\na: d",
        "yes: c\non: d",
        "a: c\na: d",
    ] {
        let words = refused(text);
        assert!(
            words.starts_with("line 2 column") && words.ends_with("` is there twice"),
            "{text} -> {words}"
        );
    }
}

#[test]
fn what_is_no_yaml_is_said_in_words_for_its_author() {
    for (text, words) in [
        ("a: 1\na: 2", "line 2 column 1: `a` is there twice"),
        (
            "~: 1",
            "line 1 column 1: a name that is nothing; write it in quotes",
        ),
        (
            "1.5: 1",
            "line 1 column 1: a name that is a fraction; write it in quotes",
        ),
        (
            "? [x]\n: 2",
            "line 1 column 3: a name that is a list or an object",
        ),
        (
            "&a [*a]",
            "line 1 column 5: an alias within what it stands for",
        ),
        (
            "a: !!binary '%'",
            "line 1 column 13: what is tagged `!!binary` is no base64",
        ),
        (
            "a: !!int x",
            "line 1 column 10: a value that does not fit its tag",
        ),
        (
            "a: *b",
            "line 1 column 4: an alias of what is not there; write a `*` in quotes",
        ),
        (
            "<<: x",
            "line 1 column 5: `<<` takes an object, or a list of objects",
        ),
        (
            "{\"a\": 1e400}",
            "line 1 column 7: a number that is too large; write it in quotes",
        ),
        (
            "{\"a\": \"\\ud800\"}",
            "line 1 column 7: half of a character that is written in two parts (`\\ud800`)",
        ),
        (
            "{\"\\u001b[2J\": 1, \"\\u001b[2J\": 2}",
            "line 1 column 18: `\u{fffd}[2J` is there twice",
        ),
    ] {
        assert_eq!(refused(text), words, "{text}");
    }
}

#[test]
fn one_anchor_may_have_many_aliases() {
    let text = format!("a: &a x\nb: [{}*a]\n", "*a, ".repeat(2000));
    assert_eq!(
        read(&text).at("b").map(|node| node.items().len()),
        Some(2001)
    );
}
