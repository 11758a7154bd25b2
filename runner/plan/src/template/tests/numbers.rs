use serde_json::{Value, json};

use crate::template::{json_text, tag_text};

#[test]
fn numbers_are_written_as_in_javascript() {
    // Not through serde_json: without its `float_roundtrip` it parses some numbers one unit in the
    // last place off, which is not what is promised here.
    let number = |json: &str| {
        let integer = json.parse::<i64>().map(Value::from);
        integer
            .or_else(|_| json.parse::<u64>().map(Value::from))
            .unwrap_or_else(|_| json!(json.parse::<f64>().expect(json)))
    };
    for (json, javascript) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("-1.50", "-1.5"),
        ("100", "100"),
        ("0.1", "0.1"),
        ("123.456", "123.456"),
        ("9007199254740993", "9007199254740992"),
        ("18446744073709551615", "18446744073709552000"),
        ("-9223372036854775808", "-9223372036854776000"),
        ("12345678901234567000", "12345678901234567000"),
        ("1e20", "100000000000000000000"),
        ("123456789012345680000", "123456789012345680000"),
        ("1e21", "1e+21"),
        ("1.5e21", "1.5e+21"),
        ("-1.25e300", "-1.25e+300"),
        ("0.000001", "0.000001"),
        ("0.00000123", "0.00000123"),
        ("1e-7", "1e-7"),
        ("1.5e-7", "1.5e-7"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("0.30000000000000004", "0.30000000000000004"),
    ] {
        let value = number(json);
        assert_eq!(tag_text(&value), javascript, "{json}");
        assert_eq!(
            json_text(&json!([value])),
            format!("[{javascript}]"),
            "{json}"
        );
    }
}

#[test]
fn integer_like_keys_come_first_in_ascending_order() {
    let value: Value = serde_json::from_str(
        r#"{"b":1,"10":2,"01":3,"9":4,"4294967295":5,"a":6,"0":7,"4294967294":8,"-1":9,"+1":10,"":11}"#,
    )
    .expect("JSON");
    assert_eq!(
        json_text(&value),
        r#"{"0":7,"9":4,"10":2,"4294967294":8,"b":1,"01":3,"4294967295":5,"a":6,"-1":9,"+1":10,"":11}"#
    );
}

#[test]
fn strings_are_escaped_as_in_javascript() {
    let value = json!("a\"\\/\u{8}\u{c}\n\r\t\u{1f}\u{0}\u{7f}é\u{2028}🦀<>");
    assert_eq!(
        json_text(&value),
        "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u001f\\u0000\u{7f}é\u{2028}🦀<>\""
    );
    assert_eq!(tag_text(&json!(null)), "");
    assert_eq!(json_text(&json!(null)), "null");
}
