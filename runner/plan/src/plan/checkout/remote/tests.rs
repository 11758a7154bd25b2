use super::*;
use proptest::prelude::*;

#[track_caller]
fn pod(text: &str) -> Remote {
    Remote::parse(text, Where::Pod).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn refused(text: &str) -> RemoteError {
    match Remote::parse(text, Where::Pod) {
        Ok(remote) => panic!("{text} became {remote}"),
        Err(error) => error,
    }
}

#[test]
fn a_url_is_kept_as_it_is_but_for_its_default_port() {
    for (text, url, authority) in [
        ("https://github.com/acme/widgets.git", "", "github.com"),
        (
            "https://GitHub.com:443/a/b",
            "https://github.com/a/b",
            "github.com",
        ),
        ("http://127.0.0.1:3000/team/app.git", "", "127.0.0.1:3000"),
        ("http://h:80/a", "http://h/a", "h"),
        (
            "ssh://git@h.example:22/a/b",
            "ssh://git@h.example/a/b",
            "h.example",
        ),
        ("ssh://git@h.example:2222/a/b", "", "h.example:2222"),
        ("ssh://h/~/a.git", "", "h"),
        ("git://h:9418/a", "git://h/a", "h"),
        ("HTTPS://h/a%20b/%C3%BC", "https://h/a%20b/%C3%BC", "h"),
        ("https://h/groß/ü.git", "", "h"),
        (
            "https://[2001:DB8::1]:8443/a",
            "https://[2001:db8::1]:8443/a",
            "[2001:db8::1]:8443",
        ),
        ("ssh://git@[::1]/a", "", "[::1]"),
        (
            "https://bücher.example/a",
            "https://xn--bcher-kva.example/a",
            "xn--bcher-kva.example",
        ),
        ("https://h:/a", "https://h/a", "h"),
        (
            "https://under_score/a/",
            "https://under_score/a",
            "under_score",
        ),
        (
            "git@github.com:acme/widgets.git",
            "ssh://git@github.com/acme/widgets.git",
            "github.com",
        ),
        ("git@h:/abs/a", "ssh://git@h/abs/a", "h"),
        ("git@h:~/a%b", "ssh://git@h/~/a%25b", "h"),
        ("me@[::1]:a/b", "ssh://me@[::1]/a/b", "[::1]"),
        ("git@h:2222/a", "ssh://git@h/2222/a", "h"),
    ] {
        let remote = pod(text);
        let url = if url.is_empty() { text } else { url };
        assert_eq!(remote.to_string(), url, "{text}");
        assert_eq!(remote.authority(), authority, "{text}");
    }
}

#[test]
fn a_host_has_one_form_whoever_reads_it() {
    // Other parsers take these for numbers, and would go where no comparison of names looks.
    assert_eq!(pod("http://0x7f.1/a").host, "127.0.0.1");
    assert_eq!(pod("http://2130706433/a").host, "127.0.0.1");
}

#[test]
fn a_user_is_kept_for_ssh_and_dropped_elsewhere() {
    assert_eq!(pod("ssh://me@h/a").user.as_deref(), Some("me"));
    assert_eq!(pod("ssh://h/a").user, None);
    let dropped = pod("https://ghp_0123456789abcdef@h/a");
    assert_eq!(
        (dropped.user.as_deref(), dropped.url().as_str()),
        (None, "https://h/a")
    );
}

#[test]
fn a_password_is_refused_and_not_repeated() {
    for text in [
        "https://user:hunter22@h/a",
        "https://:hunter22@h/a",
        "https://hunter22:@h/a",
        "https://user:hunter22@other@h/a",
        "ssh://git:hunter22@h/a",
        "user:hunter22@h:a/b",
        "hunter22:x@h",
        "https://user:hunter22/@h/a",
        "https://user:hunter22#@h/a",
        "htps://user:hunter22@h/a",
        "https://h/a b?token=hunter22",
        "https://h/a?token=hunter22",
        "https://h/../hunter22",
        "https://hunter22!@h/a",
        "//user:hunter22@h/a",
        "ftp://user:hunter22@h/a",
    ] {
        let error = refused(text);
        let told = format!("{error} {error:?} {}", error.hint());
        assert!(!told.contains("hunter22"), "{text}: {told}");
    }
    assert_eq!(refused("https://user:hunter22@h/a"), RemoteError::Password);
}

#[test]
fn what_is_no_clean_url_is_refused() {
    use RemoteError::{
        Character, Empty, Host, NoPath, NoScheme, Option, Port, Query, Upwards, User,
    };
    for (text, error) in [
        ("", Empty),
        ("https://", Host),
        ("https:///a", Host),
        ("https://:80/a", Host),
        ("https://-h/a", Host),
        ("ssh://-oProxyCommand=touch%20x/a", Host),
        ("ssh://git@-oProxyCommand=x/a", Host),
        ("ssh://h%20x/a", Host),
        ("https://%67ithub.com/a", Host),
        ("https://.h/a", Host),
        ("https://[::1/a", Host),
        ("https://[h]/a", Host),
        ("https://h,x/a", Host),
        ("https://h", NoPath),
        ("https://h/", NoPath),
        ("https://h//", NoPath),
        ("git@h:", NoPath),
        ("https://h:0/a", Port),
        ("https://h:65536/a", Port),
        ("https://h:+80/a", Port),
        ("https://h:x/a", Port),
        ("ssh://h/-oProxyCommand=x", Option),
        ("ssh://h//-x", Option),
        ("ssh://h/%2Dx", Option),
        ("git@h:-x", Option),
        ("git@h:/-x", Option),
        ("-oProxyCommand@h:x", User),
        ("ssh://-l@h/a", User),
        ("ssh://@h/a", User),
        ("ssh://a%20b@h/a", User),
        ("https://h/a/../b", Upwards),
        ("https://h/..", Upwards),
        ("https://h/%2e%2E/b", Upwards),
        ("https://h/.%2e", Upwards),
        ("https://h\\@x/a", Character),
        ("https://h/a%5cb", Character),
        ("https://h/a b", Character),
        ("https://h/a\nb", Character),
        ("https://h/a\0", Character),
        ("https://h/a%0ab", Character),
        ("https://h/a%00", Character),
        ("https://h/a\u{a0}b", Character),
        (" https://h/a", Character),
        ("https://h/a#b", Query),
        ("https://h?x", Query),
        ("h/a", NoScheme),
        ("h:a/b", NoScheme),
        ("https:/h/a", NoScheme),
        ("./a@h:b", NoScheme),
        ("git@h/a:b", NoScheme),
        ("--upload-pack=x", NoScheme),
        ("../a", NoScheme),
    ] {
        assert_eq!(refused(text), error, "{text:?}");
    }
    assert!(matches!(
        refused(&format!("https://h/{}", "a".repeat(5000))),
        RemoteError::TooLong { .. }
    ));
}

#[test]
fn only_four_schemes_are_spoken_and_no_program_is_started() {
    for text in ["ext::sh -c true", "ext::sh", "fd::17", "ext::https://h/a"] {
        let error = refused(text);
        assert!(
            matches!(error, RemoteError::Helper { .. } | RemoteError::Character),
            "{text}: {error:?}"
        );
    }
    assert!(refused("ext::sh").is_policy());
    for text in [
        "ftp://h/a",
        "ext://h/a",
        "javascript://h/a",
        "git+ssh://h/a",
    ] {
        assert!(
            matches!(refused(text), RemoteError::Scheme { .. }),
            "{text}"
        );
    }
    let error = refused("htps://h/a");
    assert_eq!(error.hint(), "did you mean `https`?");
}

#[test]
fn files_are_remotes_on_ones_own_machine_only() {
    for (text, url) in [
        ("file:///srv/a%20b.git", "file:///srv/a%20b.git"),
        ("file://localhost/srv/a", "file:///srv/a"),
        ("/srv/a%b", "file:///srv/a%25b"),
    ] {
        let error = refused(text);
        assert_eq!(error, RemoteError::Local, "{text}");
        assert!(error.is_policy());
        let remote = Remote::parse(text, Where::Local).expect("it is local");
        assert_eq!(
            (remote.url().as_str(), remote.authority().as_str()),
            (url, ""),
            "{text}"
        );
    }
    for text in ["file://h/a", "file://", "/", "/a/../b", "file:///-a/%2e%2e"] {
        assert!(Remote::parse(text, Where::Local).is_err(), "{text}");
    }
}

#[test]
fn a_submodule_is_found_beside_its_repository() {
    for (base, text, expected) in [
        ("https://h/a/b.git", "../c.git", "https://h/a/c.git"),
        ("https://h/a/b.git", "../../c", "https://h/c"),
        ("https://h/a/b.git/", "../c", "https://h/a/c"),
        ("https://h/a/b", "./c/", "https://h/a/b/c"),
        ("https://h/a/b", "../", "https://h/a"),
        ("https://h/a/b", ".//c", "https://h/a/b//c"),
        ("https://h/a/b", "./../c", "https://h/a/c"),
        ("ssh://me@h:2222/a/b", "../c", "ssh://me@h:2222/a/c"),
        ("https://h/a/b", "https://other/x", "https://other/x"),
        ("https://h/a/b", "git@other:x", "ssh://git@other/x"),
    ] {
        let found = pod(base).relative(text).expect("a fine URL");
        assert_eq!(found.url(), expected, "{base} {text}");
    }
    let local = Remote::parse("/srv/a", Where::Local).expect("it is local");
    assert_eq!(
        local.relative("../b").expect("beside it").url(),
        "file:///srv/b"
    );
    // A repository on this machine may still not name another one by its place.
    for text in ["/etc/x", "file:///etc/x"] {
        assert_eq!(local.relative(text), Err(RemoteError::Local), "{text}");
    }
}

#[test]
fn a_submodule_leaves_neither_its_server_nor_the_rules() {
    let base = pod("https://h/a/b.git");
    for text in [
        "../../../c",
        "../../../../evil.example/x",
        "../c/../../d",
        "../..",
        "..",
        "../c?x",
        "../c d",
        "../-x/../y",
        "../../-oProxyCommand=x",
        "-oProxyCommand=x",
        "ext::sh",
        "../a\\b",
        "../a%0ab",
    ] {
        let found = base.relative(text);
        assert!(found.is_err(), "{text}: {found:?}");
    }
}

#[test]
fn one_repository_has_many_urls() {
    let one = pod("https://github.com/acme/widgets.git");
    for same in [
        "git@github.com:acme/widgets",
        "https://github.com/acme/widgets/",
    ] {
        assert!(one.is_same_repository(&pod(same)), "{same}");
    }
    for other in [
        "https://github.com/acme/widgets2",
        "https://github.com:8443/acme/widgets.git",
        "https://example.com/acme/widgets.git",
    ] {
        assert!(!one.is_same_repository(&pod(other)), "{other}");
    }
}

fn any_url() -> impl Strategy<Value = String> {
    let odd = |fine: &'static str, odd: &'static str| prop_oneof![3 => fine, 1 => odd];
    let scheme = prop::sample::select(vec![
        "https://", "http://", "ssh://", "git://", "file://", "ext::", "",
    ]);
    let user = odd("(git@)?", "(-x|u:p|a@b)?@");
    let host = odd(
        "[a-zA-Z0-9.-]{1,12}|\\[::1\\]",
        "\\PC{0,6}|[a-z%\\\\_,.-]{0,6}",
    );
    let port = odd("(:[1-9][0-9]{0,4})?", ":|:-1|:99999|:80|:443");
    let path = odd("(/[a-z.~%25-]{1,5}){1,3}", "[/a.~%25eE\\\\@:?# -]{0,12}");
    (scheme, user, host, port, path)
        .prop_map(|(scheme, user, host, port, path)| format!("{scheme}{user}{host}{port}{path}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_is_taken_is_safe_and_others_read_it_the_same(text in prop_oneof![any_url(), any::<String>()]) {
        let Ok(remote) = Remote::parse(&text, Where::Pod) else {
            return Ok(());
        };
        let url = remote.url();
        prop_assert!(!url.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '\\'));
        prop_assert!(!remote.host.is_empty() && !remote.host.starts_with('-') && !remote.path.starts_with("/-"));
        prop_assert!(remote.path.starts_with('/') && !remote.path.split('/').any(|part| part == ".."));
        prop_assert_eq!(Remote::parse(&url, Where::Pod), Ok(remote.clone()), "{}", url);

        let read = url::Url::parse(&url).expect("others can read it");
        prop_assert_eq!(read.host_str().map(|host| host.trim_matches(['[', ']'])), Some(&*remote.host));
        prop_assert_eq!(read.port(), remote.port);
        prop_assert_eq!(read.username(), remote.user.as_deref().unwrap_or_default());
        prop_assert_eq!(read.password(), None);
        prop_assert_eq!((read.query(), read.fragment()), (None, None));
    }

    #[test]
    fn no_submodule_leaves_the_server_by_a_relative_url(text in "\\.{1,2}/[a./%2eE@:?\\\\-]{0,12}") {
        let base = pod("ssh://git@h:2222/a/b/c.git");
        if let Ok(found) = base.relative(&text) {
            prop_assert_eq!(found.authority(), base.authority());
            prop_assert_eq!(found.user, base.user);
        }
    }
}

/// Keeps the property honest: a strategy that only makes refused texts would prove nothing.
#[test]
fn many_of_the_urls_that_are_tried_are_taken() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let taken = (0..2000)
        .filter(|_| {
            let tree = any_url().new_tree(&mut runner).expect("a strategy");
            Remote::parse(&tree.current(), Where::Pod).is_ok()
        })
        .count();
    assert!(taken >= 100, "{taken} of 2000");
}
