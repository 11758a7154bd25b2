//! The agent's own git gets the run's credentials from the runner, for one host, and from nowhere
//! else.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use agent_tests::{
    Ended, GitServer, KeyKind, KnownHosts, NOTHING_TEMPORARY, Repository, Run, SshKey, SshServer,
    binary,
};
use serde_json::json;

const TOKEN: &str = "gta_0123456789abcdefghij";

fn repository() -> Repository {
    Repository::new().commit("main", [("README", "hello\n")])
}

/// A server that wants the token, with one repository.
fn server(repository: &Repository) -> GitServer {
    GitServer::new()
        .serve("owner/name", repository)
        .auth("git", TOKEN)
}

/// A run whose agent is a script with git, `$URL` and no configuration but ours.
fn with_git(url: &str, script: &str) -> Run {
    let run = Run::new();
    let home = run.dir().to_owned();
    run.shell(&format!("set -eu\n{script}"))
        .env("URL", url)
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
}

/// The same, as the controller starts a run whose provider has a token.
fn with_token(server: &GitServer, script: &str) -> Run {
    with_git(&server.url("owner/name"), script)
        .env("VCS_PROVIDER", "gitea")
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_CLONE_BASE_URL", server.base())
        .env("VCS_TOKEN", TOKEN)
}

#[track_caller]
fn assert_succeeded(ended: &Ended) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// Lists the files below a directory that hold a text, links not followed.
fn files_with(dir: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("it can be listed") {
        let path = entry.expect("it is there").path();
        let kind = fs::symlink_metadata(&path)
            .expect("it is there")
            .file_type();
        if kind.is_dir() {
            found.extend(files_with(&path, text));
        } else if kind.is_file() {
            let content = fs::read(&path).expect("it can be read");
            if content
                .windows(text.len())
                .any(|part| part == text.as_bytes())
            {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn the_agent_clones_and_pushes_with_the_token_of_the_run() {
    let repository = repository();
    let server = server(&repository);
    let before = repository.rev("main");
    let script = r#"
        git clone -q "$URL" clone
        cd clone
        git -c user.name=A -c user.email=a@example.com commit -q --allow-empty -m change
        git push -q
    "#;
    let ended = with_token(&server, script).end();
    assert_succeeded(&ended);
    assert_ne!(repository.rev("main"), before);
    assert_eq!(
        files_with(ended.dir.path(), TOKEN),
        Vec::<PathBuf>::new(),
        "the token was written"
    );
}

#[test]
fn askpass_and_the_helper_are_each_enough() {
    let repository = repository();
    let server = server(&repository);
    let script = r#"
        (unset GIT_ASKPASS; git ls-remote "$URL" >helper)
        (unset GIT_CONFIG_PARAMETERS; git ls-remote "$URL" >askpass)
    "#;
    let ended = with_token(&server, script).end();
    assert_succeeded(&ended);
    for name in ["helper", "askpass"] {
        let refs = fs::read_to_string(ended.dir.path().join(name)).expect("it was written");
        assert!(refs.contains("refs/heads/main"), "{name}: {refs}");
    }
}

#[test]
fn no_other_host_is_told_anything() {
    let repository = repository();
    let (server, other) = (server(&repository), server(&repository));
    // The same address by another name is another host, too.
    let by_name = format!(
        "http://localhost:{}/owner/name.git",
        server.address().port()
    );
    let script = format!(
        "for url in '{}' '{by_name}'; do ! git ls-remote \"$url\" || exit 1; done",
        other.url("owner/name")
    );
    let ended = with_token(&server, &script).end();
    assert_succeeded(&ended);
    for server in [server, other] {
        let requests = server.requests();
        assert!(!requests.is_empty());
        assert!(
            requests
                .iter()
                .all(|request| request.credentials().is_none())
        );
    }
}

#[test]
fn helpers_of_the_image_are_not_asked_for_this_host() {
    let repository = repository();
    let server = server(&repository);
    let script = r#"
        git config --global credential.helper '!f() { echo "$1" >>"$HOME/asked"; cat >>"$HOME/asked"; }; f'
        git ls-remote "$URL" >refs
        test ! -e "$HOME/asked"
        ! printf 'url=https://other.example\n\n' | git credential fill || exit 1
        test -e "$HOME/asked"
    "#;
    assert_succeeded(&with_token(&server, script).end());
}

#[test]
fn a_renewed_token_file_is_used_at_once() {
    let repository = repository();
    // A listing takes two requests with credentials.
    let server = GitServer::new()
        .serve("owner/name", &repository)
        .expiring_token("git", "first-token", 2, "second-token");
    let script = r#"
        git ls-remote "$URL" >refs
        ! git ls-remote "$URL" >refs || exit 1
        echo second-token >"$VCS_TOKEN_FILE"
        git ls-remote "$URL" >refs
    "#;
    let run = with_git(&server.url("owner/name"), script)
        .env("VCS_PROVIDER", "gitea")
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_CLONE_BASE_URL", server.base());
    let file = run.path("mounted-token");
    fs::write(&file, "first-token\n").expect("it can be written");
    assert_succeeded(&run.env("VCS_TOKEN_FILE", file).end());
}

#[test]
fn an_agent_without_the_variable_gets_no_credentials() {
    let repository = repository();
    let server = server(&repository);
    let script = r#"! git ls-remote "$URL" 2>said || exit 1"#;
    let ended = with_token(&server, script)
        .setting("env/drop", json!(["VCS_TOKEN"]))
        .end();
    assert_succeeded(&ended);
    let said = fs::read_to_string(ended.dir.path().join("said")).expect("it was written");
    assert!(
        said.contains("the variable `VCS_TOKEN` is not set"),
        "{said}"
    );
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.credentials().is_none())
    );
}

#[test]
fn an_askpass_of_the_image_is_left_alone() {
    let repository = repository();
    let server = server(&repository);
    let script = r#"
        test "$GIT_ASKPASS" = /opt/askpass
        test -z "${GIT_CONFIG_PARAMETERS-}"
    "#;
    let run = with_token(&server, script).env("GIT_ASKPASS", "/opt/askpass");
    assert_succeeded(&run.end());
}

#[test]
fn tools_that_lose_variables_named_key_still_have_git() {
    let repository = repository();
    let server = server(&repository);
    let script = r#"
        for name in $(env | sed -n 's/^\([A-Za-z0-9_]*KEY[A-Za-z0-9_]*\)=.*/\1/p'); do
            unset "$name"
        done
        git ls-remote "$URL" >refs
    "#;
    assert_succeeded(&with_token(&server, script).end());
}

#[test]
fn an_authority_of_the_users_own_is_trusted_beside_the_systems() {
    let repository = repository();
    let server = server(&repository).tls();
    let script = r#"
        git ls-remote "$URL" >refs
        test "$(grep -c BEGIN "$GIT_SSL_CAINFO")" -gt 50
        ! env -u GIT_SSL_CAINFO git ls-remote "$URL" || exit 1
    "#;
    let run = with_token(&server, script).env("VCS_CA_FILE", server.ca_file());
    assert_succeeded(&run.end());
}

/// A run with a deploy key as a Secret is mounted: 0644, and without its last newline.
fn with_key(server: &SshServer, key: &SshKey, known: KnownHosts, script: &str) -> Run {
    let run = with_git(&server.url("owner/name"), script);
    let (mounted, known_hosts) = (run.path("privateKey"), run.path("known hosts"));
    fs::write(&mounted, key.private().trim_end()).expect("it can be written");
    fs::set_permissions(&mounted, fs::Permissions::from_mode(0o644)).expect("it is ours");
    fs::write(&known_hosts, server.known_hosts(known)).expect("it can be written");
    run.env("VCS_PROVIDER", "gitea")
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_CLONE_PROTOCOL", "ssh")
        .env("VCS_SSH_HOST", "127.0.0.1")
        .env("VCS_SSH_USER", server.user())
        .env("VCS_SSH_KEY_PATH", mounted)
        .env("VCS_SSH_KNOWN_HOSTS_PATH", known_hosts)
}

#[test]
fn a_mounted_deploy_key_works_for_the_agents_git() {
    let (repository, key) = (repository(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new()
        .serve("owner/name", &repository)
        .authorize(&key);
    let script = r#"git ls-remote "$URL" >refs"#;
    for known in [KnownHosts::Plain, KnownHosts::Hashed] {
        assert_succeeded(&with_key(&server, &key, known, script).end());
    }
}

#[test]
fn a_host_with_another_key_is_not_spoken_to() {
    let (repository, key) = (repository(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new()
        .serve("owner/name", &repository)
        .authorize(&key);
    let script = r#"! git ls-remote "$URL" || exit 1"#;
    for known in [
        KnownHosts::WrongKey,
        KnownHosts::OtherHost,
        KnownHosts::Revoked,
    ] {
        assert_succeeded(&with_key(&server, &key, known, script).end());
    }
    assert_eq!(server.commands(), Vec::<String>::new());
}

#[test]
fn an_unknown_host_is_spoken_to_only_if_that_is_asked_for() {
    let (repository, key) = (repository(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new()
        .serve("owner/name", &repository)
        .authorize(&key);
    let script = r#"git ls-remote "$URL" >refs"#;
    let run = with_key(&server, &key, KnownHosts::OtherHost, script)
        .setting("workspace/hostKeys", json!("accept-new"));
    assert_succeeded(&run.end());
}

/// Starts the binary with an access file beside it, as git does.
fn ask(dir: &Path, program: &Path, args: &[&str], input: &str) -> Output {
    fs::write(
        dir.join("access.json"),
        json!({ "scheme": "https", "host": "h", "username": "u", "variable": "VCS_TOKEN" })
            .to_string(),
    )
    .expect("it can be written");
    let mut child = Command::new(program)
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("VCS_TOKEN", TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be started");
    let mut stdin = child.stdin.take().expect("it is a pipe");
    // A program that does not read its request has closed the pipe.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn the_verb_answers_get_and_tolerates_the_rest() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let runner = binary("agent-runner");
    let request = "protocol=https\nhost=h\n\n";
    let verb = |operation, input| {
        let args = ["git-credential", "access.json", operation];
        let output = ask(dir.path(), &runner, &args, input);
        let text = String::from_utf8(output.stdout).expect("it is UTF-8");
        (output.status.code(), text)
    };
    let answer = format!("username=u\npassword={TOKEN}\n");
    assert_eq!(verb("get", request), (Some(0), answer));
    for operation in ["store", "erase", "unheard-of"] {
        assert_eq!(verb(operation, request), (Some(0), String::new()));
    }
    let other = "protocol=https\nhost=other\n\n";
    assert_eq!(verb("get", other), (Some(0), String::new()));
}

#[test]
fn the_binary_knows_itself_as_askpass() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let askpass = dir.path().join("git-askpass");
    symlink(binary("agent-runner"), &askpass).expect("it can be made");
    let asked = |prompt| {
        let output = ask(dir.path(), &askpass, &[prompt], "");
        let text = String::from_utf8(output.stdout).expect("it is UTF-8");
        (output.status.code(), text)
    };
    let username = (Some(0), "u\n".to_owned());
    assert_eq!(asked("Username for 'https://h': "), username);
    let token = (Some(0), format!("{TOKEN}\n"));
    assert_eq!(asked("Password for 'https://u@h': "), token);
    let nothing = (Some(1), String::new());
    assert_eq!(asked("Password for 'https://other': "), nothing);
}

/// Asserts that the agent ran all the same, and that the status says what it went without.
#[track_caller]
fn assert_ran_warned(run: Run, word: &str) {
    let ended = run.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (0, "Completed"),
        "{}",
        ended.status
    );
    assert_eq!(ended.text(), "ran\n");
    let warnings = ended.full["warnings"].to_string();
    assert!(warnings.contains(word), "{warnings}");
}

#[test]
fn what_cannot_be_given_to_an_agent_without_a_checkout_is_a_warning() {
    let (repository, key) = (repository(), SshKey::new(KeyKind::Ed25519));
    let (http, ssh) = (server(&repository), SshServer::new());
    let unwritable = "/dev/null/tmp";
    let nowhere = |run: Run| run.env("TMPDIR", unwritable).mounting(NOTHING_TEMPORARY);
    let run = nowhere(with_token(&http, "echo ran"));
    assert_ran_warned(run, "private directory");
    let with_key = || with_key(&ssh, &key, KnownHosts::Plain, "echo ran");
    let run = with_key();
    let mounted = run.path("privateKey");
    fs::remove_file(&mounted).expect("it is there");
    assert_ran_warned(run, &mounted.display().to_string());
    assert_ran_warned(nowhere(with_key()), "private directory");
}

#[test]
fn a_trusted_checkout_without_credentials_needs_no_private_directory() {
    let repository = repository();
    let server = GitServer::new().serve("owner/name", &repository);
    let run = with_git("", "cat README").env("TMPDIR", "/dev/null/tmp");
    let work = run.path("work");
    let ended = run
        .setting("workspace/git/url", json!(server.url("owner/name")))
        .setting("cwd", json!(work))
        .mounting(NOTHING_TEMPORARY)
        .end();
    assert_succeeded(&ended);
    assert_eq!(ended.text(), "hello\n");
    assert_eq!(ended.full["warnings"], serde_json::Value::Null);
}
