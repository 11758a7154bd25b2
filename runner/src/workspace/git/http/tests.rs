use super::answer::media_type;
use super::*;

#[test]
fn a_media_type_is_compared_without_case_and_parameters() {
    for (header, wanted) in [
        (ADVERTISEMENT, ADVERTISEMENT),
        (
            "Application/X-Git-Upload-Pack-Advertisement ; charset=UTF-8",
            ADVERTISEMENT,
        ),
        ("text/html; charset=utf-8", "text/html"),
        ("", ""),
    ] {
        assert_eq!(media_type(header.as_bytes()), wanted);
    }
    assert_eq!(media_type(&[0xff; 1000]).chars().count(), 100);
}

#[test]
fn what_others_see_of_a_url_has_no_user_and_no_query() {
    for (url, wanted) in [
        (
            "https://user:token@h.example/a?token=b#c",
            "https://h.example/a",
        ),
        ("//user:token@h.example/a", "h.example/a"),
        ("/a?token=b", "/a"),
    ] {
        assert_eq!(shown(url), wanted);
    }
}
