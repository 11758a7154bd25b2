use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent_plan::env::Environment;
use agent_plan::plan::{Access, CommitIdentity, Proxies, Scheme, SshAccess, TokenSource};
use agent_plan::secret::Secret;
use tempfile::TempDir;

use super::{AccessError, Pass, Site, TokenPlace, grant, quote};

mod ssh;

const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
const EXE: &str = "/usr/local/bin/agent-runner";

fn access() -> Access {
    Access {
        scheme: Scheme::Https,
        host: Some("git.example.com".to_owned()),
        username: "x-access-token".to_owned(),
        token: Some(TokenSource::Variable {
            variable: "VCS_TOKEN",
            value: Secret::new(TOKEN.to_owned()),
        }),
        ssh: SshAccess::default(),
        ca_files: Vec::new(),
        ca_bundle: None,
        proxies: Proxies::default(),
        is_github: false,
        identity: CommitIdentity::default(),
    }
}

fn environment(entries: &[(&str, &str)]) -> Environment {
    let os = |&(name, value): &(&str, &str)| (OsString::from(name), OsString::from(value));
    Environment::new(entries.iter().map(os))
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

#[track_caller]
fn granted(access: &Access, env: &[(&str, &str)], scratch: &Path) -> Vec<(String, String)> {
    grant(
        access,
        Scheme::Https,
        &environment(env),
        scratch,
        Path::new(EXE),
    )
    .expect("it is granted")
}

fn value<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = variables.iter().find(|(known, _)| known == name)?;
    Some(&found.1)
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::symlink_metadata(path).expect("it is there");
    metadata.permissions().mode() & 0o7777
}

/// What a POSIX shell makes of a command: its words.
fn words(command: &str) -> Vec<String> {
    let script = format!("for word in {command}; do printf '%s\\0' \"$word\"; done");
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{command}");
    let text = String::from_utf8(output.stdout).expect("it is UTF-8");
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn a_token_adds_the_helper_and_askpass() {
    let scratch = scratch();
    let variables = granted(&access(), &[], scratch.path());
    let dir = scratch.path().join("git");
    let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["GIT_ASKPASS", "GIT_CONFIG_PARAMETERS"]);
    let askpass = dir.join("git-askpass");
    assert_eq!(value(&variables, "GIT_ASKPASS"), askpass.to_str());
    assert_eq!(
        fs::read_link(askpass).expect("it is a link"),
        Path::new(EXE)
    );
    let parameters = value(&variables, "GIT_CONFIG_PARAMETERS").expect("it is there");
    let file = dir.join("access.json");
    assert_eq!(
        words(parameters),
        [
            "credential.https://git.example.com.helper=".to_owned(),
            format!(
                "credential.https://git.example.com.helper=!'{EXE}' git-credential '{}'",
                file.display()
            ),
        ]
    );
}

#[test]
fn only_the_owner_can_read_what_is_made() {
    let scratch = scratch();
    let key = scratch.path().join("mounted");
    fs::write(&key, "key").expect("it can be written");
    let mut access = access();
    access.ssh = SshAccess {
        key: Some(key),
        accept_new: true,
        ..SshAccess::default()
    };
    access.ca_files = vec![scratch.path().join("mounted")];
    granted(&access, &[], scratch.path());
    let dir = scratch.path().join("git");
    assert_eq!(mode(&dir), 0o700);
    for name in ["access.json", "key", "known_hosts", "authorities.pem"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
}

#[test]
fn no_file_and_no_variable_holds_the_token() {
    let scratch = scratch();
    let variables = granted(&access(), &[("VCS_TOKEN", TOKEN)], scratch.path());
    for entry in fs::read_dir(scratch.path().join("git")).expect("it is there") {
        let path = entry.expect("it is there").path();
        if !path.is_symlink() {
            let content = fs::read_to_string(&path).expect("it is text");
            assert!(!content.contains(TOKEN), "{}", path.display());
        }
    }
    for (name, value) in variables {
        assert!(!value.contains(TOKEN), "{name}");
    }
}

#[test]
fn a_token_file_is_named_by_its_absolute_path() {
    let scratch = scratch();
    let mut access = access();
    access.token = Some(TokenSource::File {
        variable: "VCS_TOKEN_FILE",
        path: PathBuf::from("secrets/token"),
    });
    granted(&access, &[], scratch.path());
    let pass = Pass::read(&scratch.path().join("git/access.json")).expect("it is one");
    let expected = std::path::absolute("secrets/token").expect("there is a working directory");
    assert_eq!(pass.token, TokenPlace::File(expected));
    assert_eq!(pass.username, "x-access-token");
}

#[test]
fn without_a_token_or_a_host_git_is_told_nothing() {
    let no_token = Access {
        token: None,
        ..access()
    };
    let no_host = Access {
        host: None,
        ..access()
    };
    for access in [no_token, no_host] {
        assert_eq!(granted(&access, &[], scratch().path()), []);
    }
}

#[test]
fn the_token_is_for_the_scheme_of_the_host() {
    for (scheme, host, url) in [
        (Scheme::Https, "h:8443", "https://h:8443"),
        (Scheme::Http, "h:8080", "http://h:8080"),
        (Scheme::Ssh, "h:2222", "https://h"),
        (Scheme::Ssh, "[::1]:2222", "https://[::1]"),
        (Scheme::Git, "h", "https://h"),
        (Scheme::File, "h", "https://h"),
    ] {
        let scratch = scratch();
        let access = Access {
            host: Some(host.to_owned()),
            ..access()
        };
        grant(
            &access,
            scheme,
            &Environment::default(),
            scratch.path(),
            Path::new(EXE),
        )
        .expect("it is granted");
        let pass = Pass::read(&scratch.path().join("git/access.json")).expect("it is one");
        assert_eq!(pass.site.url(), url, "{scheme:?}");
    }
}

#[test]
fn what_the_environment_says_stays_as_it_is() {
    let scratch = scratch();
    let file = scratch.path().join("file");
    fs::write(&file, "content\n").expect("it can be written");
    let mut access = access();
    access.ssh.key = Some(file.clone());
    access.ca_files = vec![file];
    let env = [
        ("GIT_ASKPASS", "/opt/askpass"),
        ("GIT_SSH_COMMAND", "ssh -v"),
        ("GIT_SSL_CAINFO", "/opt/ca.pem"),
    ];
    assert_eq!(granted(&access, &env, scratch.path()), []);
}

#[test]
fn configuration_of_the_environment_is_added_to() {
    let known = "'user.name=A' 'core.pager'='cat'";
    let env = [
        ("GIT_CONFIG_PARAMETERS", known),
        ("GIT_CONFIG_COUNT", "none"),
    ];
    let variables = granted(&access(), &env, scratch().path());
    let parameters = value(&variables, "GIT_CONFIG_PARAMETERS").expect("it is there");
    assert!(
        parameters.starts_with(&format!("{known} 'credential.")),
        "{parameters}"
    );
    assert_eq!(value(&variables, "GIT_CONFIG_COUNT"), None);
}

#[test]
fn malformed_configuration_is_left_alone() {
    let variables = granted(
        &access(),
        &[("GIT_CONFIG_PARAMETERS", "a=b")],
        scratch().path(),
    );
    let names: Vec<_> = variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["GIT_ASKPASS"]);
}

#[test]
fn a_shell_reads_back_what_was_quoted() {
    for text in [
        "",
        "a b",
        "it's",
        "$(touch x)`id`",
        "a\"b\\c",
        "!x",
        "line\nline",
        "*",
        "'",
    ] {
        assert_eq!(words(&quote(text)), [text]);
    }
}

#[test]
fn hostile_hosts_and_user_names_are_refused() {
    for host in [
        "*",
        "*.example.com",
        "a b",
        "h\nhelper = !x",
        "h/p",
        "u@h",
        "h.helper=x'",
        "",
    ] {
        let access = Access {
            host: Some(host.to_owned()),
            ..access()
        };
        let refused = grant(
            &access,
            Scheme::Https,
            &Environment::default(),
            scratch().path(),
            Path::new(EXE),
        );
        assert!(matches!(refused, Err(AccessError::Host { .. })), "{host:?}");
    }
    let access = Access {
        username: "u\npassword=x".to_owned(),
        ..access()
    };
    let refused = grant(
        &access,
        Scheme::Https,
        &Environment::default(),
        scratch().path(),
        Path::new(EXE),
    );
    assert!(matches!(refused, Err(AccessError::Username { .. })));
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let scratch = scratch();
    let elsewhere = scratch.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("it can be made");
    std::os::unix::fs::symlink(&elsewhere, scratch.path().join("git")).expect("it can be made");
    let refused = grant(
        &access(),
        Scheme::Https,
        &Environment::default(),
        scratch.path(),
        Path::new(EXE),
    );
    assert!(matches!(refused, Err(AccessError::Write { .. })));
    assert_eq!(fs::read_dir(elsewhere).expect("it is there").count(), 0);
}

#[test]
fn a_path_that_is_not_utf8_is_refused() {
    let scratch = scratch();
    let odd = scratch.path().join(OsStr::from_bytes(b"\xff"));
    fs::create_dir(&odd).expect("it can be made");
    let refused = grant(
        &access(),
        Scheme::Https,
        &Environment::default(),
        &odd,
        Path::new(EXE),
    );
    assert!(matches!(refused, Err(AccessError::Path { .. })));
}

#[test]
fn own_authorities_come_beside_the_systems() {
    let scratch = scratch();
    let own = scratch.path().join("own.pem");
    let pem = "-----BEGIN CERTIFICATE-----\nb3duCg==\n-----END CERTIFICATE-----";
    fs::write(&own, pem).expect("it can be written");
    let mut access = access();
    access.ca_files = vec![own.clone()];
    let variables = granted(&access, &[], scratch.path());
    let bundle = scratch.path().join("git/authorities.pem");
    assert_eq!(value(&variables, "GIT_SSL_CAINFO"), bundle.to_str());
    let text = fs::read_to_string(bundle).expect("it is there");
    assert!(text.ends_with(pem));
    assert!(text.matches("\n-----BEGIN CERTIFICATE-----\n").count() > 50);
    assert!(text.lines().all(|line| line.len() <= 64));
}

#[test]
fn a_bundle_of_the_environment_stands_for_the_systems() {
    let scratch = scratch();
    let (system, own) = (
        scratch.path().join("system.pem"),
        scratch.path().join("own.pem"),
    );
    fs::write(&system, "system").expect("it can be written");
    fs::write(&own, "own\n").expect("it can be written");
    let mut access = access();
    access.ca_bundle = Some(system);
    access.ca_files = vec![own];
    granted(&access, &[], scratch.path());
    let text = fs::read_to_string(scratch.path().join("git/authorities.pem")).expect("it is there");
    assert_eq!(text, "system\nown\n");
}

#[test]
fn two_spellings_of_a_site_are_one() {
    let same = [
        ("https", "git.example.com", "https://git.example.com"),
        ("https", "GIT.Example.com:443", "https://git.example.com"),
        ("https", "git.example.com:0443", "https://git.example.com"),
        ("https", "git.example.com:80", "https://git.example.com:80"),
        ("http", "localhost:80", "http://localhost"),
        ("http", "[::1]:8080", "http://[::1]:8080"),
        ("https", "[2001:DB8::1]", "https://[2001:db8::1]"),
        (
            "https",
            "under_score.example",
            "https://under_score.example",
        ),
    ];
    for (scheme, authority, url) in same {
        let site = Site::new(scheme, authority).map(|site| site.url());
        assert_eq!(site.as_deref(), Some(url), "{authority}");
    }
    for authority in [
        "h:", "h:a", "h:-1", "h:65536", "::1", "[::1", "[h]", "[::1]x", "h:1:2", "h]", "]:1",
        "\u{df}",
    ] {
        assert_eq!(Site::new("https", authority), None, "{authority}");
    }
}

#[test]
fn a_token_that_is_no_file_is_not_waited_for() {
    let scratch = scratch();
    let fifo = scratch.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("it can be made");
    let pass = Pass {
        site: Site::new("https", "h").expect("it is a site"),
        username: "u".to_owned(),
        token: TokenPlace::File(fifo.clone()),
    };
    let error = pass
        .token(&Environment::default())
        .expect_err("it is no file");
    assert_eq!(
        error.to_string(),
        format!("the token file `{}` cannot be read", fifo.display())
    );
}
