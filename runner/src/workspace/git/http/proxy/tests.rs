use super::*;

#[track_caller]
fn assert_direct(list: &str, url: &str, wanted: bool) {
    let proxies = Proxies {
        https: Some(Secret::new("proxy:1".to_owned())),
        http: Some(Secret::new("proxy:2".to_owned())),
        none: Some(list.to_owned()),
    };
    let route = Route::new(&proxies);
    let url = url.parse().expect("it is a URL");
    let to = route.to(&url).expect("they are proxies");
    assert_eq!(to.is_none(), wanted, "{list} {url}");
}

#[test]
fn no_proxy_is_read_as_other_programs_read_it() {
    for (list, url, wanted) in [
        ("", "https://a.example.com", false),
        ("*", "https://a.example.com", true),
        ("example.com", "https://example.com", true),
        ("example.com", "https://a.example.com", true),
        ("example.com", "https://badexample.com", false),
        (".example.com", "https://a.example.com", true),
        ("*.example.com", "https://a.example.com", true),
        ("b.example.com EXAMPLE.COM.", "https://a.example.com", true),
        ("example.com:443", "https://example.com", true),
        ("example.com:80", "https://example.com", false),
        ("10.0.0.0/8", "https://10.1.2.3", true),
        ("10.0.0.0/8", "https://11.1.2.3", false),
        ("10.0.0.0/8", "https://10.example.com", false),
        ("0.0.0.0/0", "https://11.1.2.3", true),
        ("10.0.0.0/x", "https://10.1.2.3", false),
        ("10.1.2.3", "https://10.1.2.3:8443", true),
        ("10.1.2.3:1", "https://10.1.2.3:8443", false),
        ("fd00::/8", "https://[fd00::1]", true),
        ("fd00::1", "https://[fd00::1]:1", true),
        ("[fd00::1]:2", "https://[fd00::1]:1", false),
        ("[fd00::1]:1", "https://[fd00::1]:1", true),
    ] {
        assert_direct(list, url, wanted);
    }
}
