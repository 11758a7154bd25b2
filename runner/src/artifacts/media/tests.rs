use super::*;

#[test]
fn a_name_says_more_than_the_content_and_the_content_says_the_rest() {
    for (path, kind, expected) in [
        ("a/report.json", Kind::Text, "application/json"),
        ("a/REPORT.JSON", Kind::Binary, "application/json"),
        ("site/index.html", Kind::Text, "text/html; charset=utf-8"),
        ("logs.tar.gz", Kind::Binary, "application/gzip"),
        ("shot.png", Kind::Binary, "image/png"),
        ("runner.log", Kind::Text, "text/plain; charset=utf-8"),
        ("core.1234", Kind::Binary, "application/octet-stream"),
        ("json", Kind::Binary, "application/octet-stream"),
        (".json", Kind::Text, "text/plain; charset=utf-8"),
        ("name.", Kind::Text, "text/plain; charset=utf-8"),
    ] {
        assert_eq!(media_type(Path::new(path), kind), expected, "{path}");
    }
}

#[test]
fn every_end_is_written_as_it_is_looked_for() {
    for (end, media_type) in BY_NAME {
        assert_eq!(end, end.to_ascii_lowercase());
        assert!(media_type.is_ascii() && media_type.contains('/'), "{end}");
    }
    assert!(BY_NAME.is_sorted(), "so that nothing is there twice");
}
