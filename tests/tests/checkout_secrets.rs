//! What nobody may see: the token is in the variables that the contract gives the agent, and nowhere
//! else, at no moment and on no ending.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use agent_tests::{
    DEADLINE, Ended, Fault, GitServer, KeyKind, KnownHosts, Repository, Run, SshKey, SshServer,
    Started, git, processes_with, wait_until,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use serde_json::json;

/// Looks different in every form that programs write secrets in.
const TOKEN: &str = "gta+0123/4567=89abcdefghij";
const USER: &str = "x-access-token";

/// The token in every form that somebody could read it from.
fn forms() -> Vec<String> {
    vec![
        TOKEN.to_owned(),
        STANDARD.encode(format!("{USER}:{TOKEN}")),
        STANDARD.encode(TOKEN),
        "gta%2B0123%2F4567%3D89abcdefghij".to_owned(),
        "gta%2b0123%2f4567%3d89abcdefghij".to_owned(),
    ]
}

fn holds_token(bytes: &[u8]) -> bool {
    forms().iter().any(|form| holds(bytes, form))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

fn repository() -> Repository {
    Repository::new().commit("main", [("README", "hello\n")])
}

fn server(repository: &Repository) -> GitServer {
    GitServer::new()
        .serve("owner/name", repository)
        .serve("owner/other", repository)
        .auth(USER, TOKEN)
}

/// A run that clones the repository of the run into `work`, without a token.
fn clones(server: &GitServer, provider: &str) -> Run {
    let run = Run::new();
    let (work, home) = (run.path("work"), run.dir().to_owned());
    run.setting("workspace/git/depth", json!(1))
        .setting("cwd", json!(work))
        .env("HOME", home)
        .env("VCS_PROVIDER", provider)
        .env("VCS_REPOSITORY", "owner/name")
        .env("VCS_CLONE_BASE_URL", server.base())
}

/// Lists what is readable below a directory and satisfies a predicate, links not followed.
fn files_that(dir: &Path, is_one: &impl Fn(&[u8]) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        // What is gone already was nobody's to read.
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        if holds_token(path.as_os_str().as_encoded_bytes()) {
            found.push(path);
        } else if metadata.is_dir() {
            found.extend(files_that(&path, is_one));
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap_or_default();
            found.extend(is_one(target.as_os_str().as_encoded_bytes()).then_some(path));
        } else if metadata.is_file() {
            found.extend(is_one(&fs::read(&path).unwrap_or_default()).then_some(path));
        }
    }
    found
}

/// Asserts that no command line of the machine has the token, nor a variable of the run's processes
/// but those that are the contract's, nor a file of the run but the given ones.
#[track_caller]
fn assert_secret(started: &Started, dir: &Path, variables: &[&str], files: &[PathBuf]) {
    let mut seen = 0;
    for entry in fs::read_dir("/proc").expect("it is there").flatten() {
        let path = entry.path();
        let command = fs::read(path.join("cmdline")).unwrap_or_default();
        let text = String::from_utf8_lossy(&command).into_owned();
        assert!(!holds_token(&command), "{text}");
    }
    let mut processes: Vec<i32> = processes_with(dir).iter().map(|(pid, _)| *pid).collect();
    processes.push(started.pid().as_raw());
    for pid in processes {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        for variable in environment.split(|&byte| byte == 0) {
            if holds_token(variable) {
                let text = String::from_utf8_lossy(variable);
                let name = text.split('=').next().unwrap_or_default();
                assert!(variables.contains(&name), "{pid}: {text}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0 || variables.is_empty(), "nothing was looked at");
    assert_eq!(files_that(dir, &holds_token), files);
}

/// Asserts that nothing which a run leaves behind has the token.
#[track_caller]
fn assert_left_no_token(ended: &Ended, files: &[PathBuf]) {
    for (name, bytes) in [
        ("status", ended.status_bytes.clone()),
        ("full status", ended.full.to_string().into_bytes()),
        ("stdout", ended.stdout.clone()),
        ("stderr", ended.stderr.clone().into_bytes()),
        ("log", ended.log.clone()),
    ] {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!holds_token(&bytes), "the token is in {name}: {text}");
    }
    assert_eq!(files_that(ended.dir.path(), &holds_token), files);
}

/// A script that prints the names of the variables which have the token, then fetches for ever.
const FETCHES: &str = r#"
    set -eu
    awk 'BEGIN { for (name in ENVIRON) if (index(ENVIRON[name], ENVIRON["VCS_TOKEN"])) print name }' |
        sort | paste -sd, -
    git remote -v
    git config --list --show-origin
    git fetch -q "$OTHER" &
    read -r line <"$HOME/go"
    kill $!
    ! wait $!
"#;

#[test]
fn while_the_agent_fetches_only_the_variables_of_the_contract_have_the_token() {
    let repository = repository();
    for (provider, variables) in [
        ("github", &["GH_TOKEN", "GITHUB_TOKEN", "VCS_TOKEN"][..]),
        ("elsewhere", &["VCS_TOKEN"]),
    ] {
        let server = server(&repository).fault(Fault::silence().on("other.git/git-upload-pack"));
        let run = clones(&server, provider)
            .shell(FETCHES)
            .env("OTHER", server.url("owner/other"))
            .env("VCS_USERNAME", USER)
            .env("VCS_TOKEN", TOKEN);
        let dir = run.dir().to_owned();
        nix::unistd::mkfifo(&dir.join("go"), Mode::S_IRWXU).expect("it can be made");
        let started = run.start();
        let hangs = || {
            let requests = server.requests();
            let mut posts = requests.iter().filter(|request| request.method == "POST");
            posts.any(|request| {
                request.path.contains("other.git") && request.credentials().is_some()
            })
        };
        assert!(wait_until(DEADLINE, hangs), "{provider}: git never came");
        assert_secret(&started, &dir, variables, &[]);
        let mut go = fs::OpenOptions::new()
            .write(true)
            .open(dir.join("go"))
            .expect("the agent reads it");
        go.write_all(b"go\n").expect("the agent reads it");
        let ended = started.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let first = ended.text().lines().next().map(str::to_owned);
        assert_eq!(first, Some(variables.join(",")));
        assert_left_no_token(&ended, &[]);
    }
}

#[test]
fn while_we_clone_nothing_but_the_given_variable_has_the_token() {
    let repository = repository();
    let server = server(&repository).fault(Fault::silence().on("name.git/git-upload-pack"));
    let run = clones(&server, "github").env("VCS_TOKEN", TOKEN);
    let dir = run.dir().to_owned();
    let started = run.start();
    let hangs = || {
        server
            .requests()
            .iter()
            .any(|request| request.method == "POST")
    };
    assert!(wait_until(DEADLINE, hangs), "nobody came");
    assert_secret(&started, &dir, &["VCS_TOKEN"], &[]);
    started.signal(Signal::SIGTERM);
    let ended = started.end();
    assert_eq!(ended.outcome(), "Cancelled", "{}", ended.status);
    assert_left_no_token(&ended, &[]);
}

#[test]
fn a_token_in_a_file_is_in_no_variable_at_all() {
    let repository = repository();
    let server = server(&repository);
    let run = clones(&server, "github").shell(
        r#"
        set -eu
        git fetch -q
        ! env | grep -F -f "$VCS_TOKEN_FILE"
        echo "${GITHUB_TOKEN-none} ${GH_TOKEN-none}"
        "#,
    );
    let file = run.path("mounted-token");
    fs::write(&file, TOKEN).expect("it can be written");
    let ended = run.env("VCS_TOKEN_FILE", &file).end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.text(), "none none\n");
    assert_left_no_token(&ended, &[file]);
}

/// Runs that fail, with the token in a variable or in a file.
fn fail_with(server: &GitServer, check: impl Fn(&Ended)) {
    for in_file in [false, true] {
        let mut run = clones(server, "github");
        let file = run.path("mounted-token");
        let mut files = Vec::new();
        if in_file {
            fs::write(&file, TOKEN).expect("it can be written");
            run = run.env("VCS_TOKEN_FILE", &file);
            files.push(file);
        } else {
            run = run.env("VCS_TOKEN", TOKEN);
        }
        let ended = run.end();
        assert_ne!(ended.code, 0);
        check(&ended);
        assert_left_no_token(&ended, &files);
    }
}

#[test]
fn a_refused_token_is_not_told_on() {
    let repository = repository();
    for (server, status) in [
        (
            GitServer::new()
                .serve("owner/name", &repository)
                .auth(USER, "another"),
            "401",
        ),
        (server(&repository).fault(Fault::answer(403)), "403"),
        (server(&repository).fault(Fault::answer(404)), "404"),
        (server(&repository).fault(Fault::answer(418)), "418"),
    ] {
        fail_with(&server, |ended| {
            assert!(ended.error().contains(status), "{}", ended.error());
        });
    }
}

#[test]
fn a_server_that_repeats_the_token_is_not_quoted() {
    let repository = repository();
    for form in forms() {
        for to in [
            format!("/login?token={form}"),
            format!("/{form}/login"),
            format!("https://{form}@git.example.com/login"),
            format!("https://user:{form}@git.example.com/login"),
            format!("//{form}@git.example.com:x/login"),
            format!("ftp://git.example.com/{form}#{form}"),
        ] {
            let answer = Fault::answer(302).header("Location", &to).after(1);
            let server = server(&repository).fault(answer);
            let ended = clones(&server, "github").env("VCS_TOKEN", TOKEN).end();
            assert_eq!(ended.reason(), "NotGit", "{}", ended.status);
            assert_left_no_token(&ended, &[]);
        }
        let answer = Fault::answer(200).header("Content-Type", &form).after(1);
        fail_with(&server(&repository).fault(answer), |ended| {
            assert_eq!(ended.reason(), "NotGit", "{}", ended.status);
        });
    }
}

/// Answers every request, whatever it is, with a listing that is an error of git's protocol.
fn refuses_in_protocol(words: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let body = packet("# service=git-upload-pack\n") + "0000" + &packet(&format!("ERR {words}\n"));
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                line.clear();
            }
            // Who has left needs no answer.
            drop((&stream).write_all(answer.as_bytes()));
        }
    });
    format!("http://{address}/owner/name.git")
}

#[test]
fn what_a_server_says_in_the_protocol_is_told_without_the_token() {
    let url = refuses_in_protocol(&format!("no access with {} today", forms().join(" ")));
    let ended = clones(&GitServer::new(), "github")
        .setting("workspace/git/url", json!(url))
        .env("VCS_TOKEN", TOKEN)
        .end();
    assert_eq!(ended.code, 74, "{}", ended.status);
    let told = ended.error();
    assert!(told.contains("no access with [REDACTED:"), "{told}");
    assert_left_no_token(&ended, &[]);
}

#[test]
fn a_plan_has_neither_tokens_nor_passwords_in_it() {
    let server = GitServer::new();
    for output in ["text", "json"] {
        let proxy = format!("http://user:{TOKEN}@proxy.example.com:3128");
        let run = clones(&server, "github")
            .env("VCS_TOKEN", TOKEN)
            .env("https_proxy", &proxy)
            .env("http_proxy", &proxy)
            .arg("--dry-run")
            .arg("--output")
            .arg(output);
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.text().contains("owner/name"), "{}", ended.text());
        assert!(!ended.text().contains("user:"), "{}", ended.text());
        assert_left_no_token(&ended, &[]);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_variables_of_github_are_made_for_github_alone() {
    for (base, provider, wanted) in [
        ("https://github.com", None, true),
        ("https://company.ghe.com", None, true),
        ("https://git.example.com", Some("github"), true),
        ("https://git.example.com", None, false),
        ("https://github.com.example.com", None, false),
        ("https://gitlab.com", Some("gitlab"), false),
        ("https://github.com", Some("gitlab"), false),
    ] {
        let script = r#"test "${GITHUB_TOKEN-}" = "$VCS_TOKEN" && test "${GH_TOKEN-}" = "$VCS_TOKEN" && echo made
            test -n "${GITHUB_TOKEN-}${GH_TOKEN-}" || echo none"#;
        let mut run = Run::new()
            .shell(script)
            .env("VCS_CLONE_BASE_URL", base)
            .env("VCS_TOKEN", TOKEN);
        if let Some(provider) = provider {
            run = run.env("VCS_PROVIDER", provider);
        }
        let ended = run.end();
        let said = if wanted { "made\n" } else { "none\n" };
        assert_eq!(ended.text(), said, "{base} {provider:?}: {}", ended.stderr);
    }
}

#[test]
fn the_agents_commits_have_the_author_that_the_run_names() {
    let repository = repository();
    let server = server(&repository);
    let script = "git commit -q --allow-empty -m change && git push -q origin HEAD:refs/heads/work";
    let ended = clones(&server, "github")
        .shell(script)
        .env("VCS_TOKEN", TOKEN)
        .env("VCS_COMMIT_AUTHOR_NAME", "Some Body")
        .env("VCS_COMMIT_AUTHOR_EMAIL", "some@example.com")
        .end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let format = "--format=%an <%ae>, %cn <%ce>";
    assert_eq!(
        git(repository.dir(), ["log", "-1", format, "work"]),
        "Some Body <some@example.com>, Some Body <some@example.com>"
    );
    assert_left_no_token(&ended, &[]);
}

#[test]
fn a_deploy_key_is_copied_to_one_private_place_and_gone_after_the_run() {
    let repository = repository();
    let key = SshKey::new(KeyKind::Ed25519);
    let server = SshServer::new()
        .serve("owner/name", &repository)
        .authorize(&key);
    let secret = key
        .private()
        .lines()
        .nth(2)
        .expect("it has lines")
        .to_owned();
    let has_key = |bytes: &[u8]| holds(bytes, &secret);
    let run = Run::new();
    let (work, home) = (run.path("work"), run.dir().to_owned());
    let (mounted, hosts) = (run.path("mounted-key"), run.path("hosts"));
    fs::write(&mounted, key.private()).expect("it can be written");
    fs::write(&hosts, server.known_hosts(KnownHosts::Plain)).expect("it can be written");
    nix::unistd::mkfifo(&home.join("go"), Mode::S_IRWXU).expect("it can be made");
    let started = run
        .setting("workspace/git/url", json!(server.url("owner/name")))
        .setting("cwd", json!(work))
        .shell(r#"git fetch -q && echo fetched && read -r line <"$HOME/go""#)
        .env("HOME", &home)
        .env("VCS_SSH_KEY_PATH", &mounted)
        .env("VCS_SSH_KNOWN_HOSTS_PATH", hosts)
        .start();
    started.await_stdout("fetched");
    let mut found = files_that(&home, &has_key);
    found.retain(|path| *path != mounted);
    let [copy] = found.as_slice() else {
        panic!("there is one copy: {found:?}");
    };
    assert!(!copy.starts_with(home.join("work")), "{}", copy.display());
    for (pid, _) in processes_with(&home) {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        assert!(!has_key(&environment));
    }
    fs::write(home.join("go"), "go\n").expect("the agent reads it");
    let ended = started.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(files_that(ended.dir.path(), &has_key), [mounted]);
}
