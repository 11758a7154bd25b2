//! What the controller wrote about version control ends in the state that the git CLI leaves when
//! it does what the controller's own runner does: partial clone, fetch of base and head, checkout.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use agent_tests::{
    Ended, Git, GitServer, Head, KeyKind, KnownHosts, Repository, Run, SshKey, SshServer,
    assert_ends, checked_out, ends, git,
};
use serde_json::{Value, json};

const TOKEN: &str = "ght_0123456789abcdefghij";

/// One run of the controller, with the place of its repository replaced by ours.
struct Case {
    spec: Value,
    payload: Value,
    env: BTreeMap<String, String>,
}

impl Case {
    fn named(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("testdata/conformance")
            .join(name);
        let read = |file: &str| -> Value {
            let bytes = fs::read(folder.join(file)).expect("every case has one");
            serde_json::from_slice(&bytes).expect("test data is JSON")
        };
        let inner = |value: &Value| -> Value {
            let text = value.as_str().expect("it is text");
            serde_json::from_str(text).expect("it is JSON")
        };
        let map = read("configmap.json");
        let job = read("job.json");
        let env = &job["spec"]["template"]["spec"]["containers"][0]["env"];
        let env = env.as_array().expect("a Job has variables").iter();
        let mut case = Self {
            spec: inner(&map["data"]["agent-runner.json"]),
            payload: inner(&map["data"]["run.json"]),
            env: env
                .map(|entry| {
                    let name = entry["name"].as_str().expect("a variable has a name");
                    // What is not written down is in a Secret.
                    let value = entry["value"].as_str().unwrap_or(TOKEN);
                    (name.to_owned(), value.to_owned())
                })
                .collect(),
        };
        // There is no store for them here.
        case.spec["providerSpec"] = Value::Null;
        case
    }

    /// Replaces a value of `vcs` in the payload, and its variable.
    fn vcs(mut self, key: &str, variable: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.payload["vcs"][key] = json!(value);
        self.env.insert(variable.to_owned(), value);
        self
    }

    fn on(self, server: &GitServer) -> Self {
        self.vcs("cloneBaseUrl", "VCS_CLONE_BASE_URL", server.base())
    }

    /// On an ssh server, with a key that is mounted as a Secret is.
    fn over_ssh(mut self, server: &SshServer, key: &SshKey, dir: &Path) -> Self {
        let (mounted, known_hosts) = (dir.join("id_ed25519"), dir.join("known_hosts"));
        fs::write(&mounted, key.private()).expect("it can be written");
        fs::write(&known_hosts, server.known_hosts(KnownHosts::Plain)).expect("it can be written");
        for (name, path) in [
            ("VCS_SSH_KEY_PATH", mounted),
            ("VCS_SSH_KNOWN_HOSTS_PATH", known_hosts),
        ] {
            self.env.insert(name.to_owned(), path.display().to_string());
        }
        let base = format!("ssh://{}@{}", server.user(), server.address());
        self.vcs("cloneBaseUrl", "VCS_CLONE_BASE_URL", base)
            .vcs("sshHost", "VCS_SSH_HOST", server.address().to_string())
            .vcs("sshUser", "VCS_SSH_USER", server.user())
    }

    /// Runs a shell in the place of the agent.
    fn run(&self, script: &str) -> Ended {
        let run = Run::new();
        let (payload, work) = (run.path("run.json"), run.path("repo"));
        fs::write(&payload, self.payload.to_string()).expect("it can be written");
        let mut spec = self.spec.clone();
        spec["payloads"]["eventFilePath"] = json!(payload);
        spec["artifacts"]["statusPath"] = json!(run.path(".agent/status.json"));
        spec["artifacts"]["logPath"] = json!(run.path(".agent/runner.log"));
        spec["adapter"] = json!({
            "type": "exec",
            "exec": { "binary": "/bin/sh", "argsTemplate": ["-euc", script] },
            "runner": { "cwd": work, "workspace": { "git": {} } },
        });
        let mut run = run.whole_spec(spec);
        for (name, value) in &self.env {
            if name != "AGENT_RUNNER_SPEC_PATH" && name != "AGENT_RUN_SPEC" {
                run = run.env(name, value);
            }
        }
        run.env("AGENT_RUN_SPEC", payload)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .end()
    }
}

/// What §4.4 of the contract says of a work tree.
#[derive(Debug, PartialEq, Eq)]
struct State {
    head: Head,
    commit: Option<String>,
    branches: BTreeMap<String, String>,
    remote: BTreeMap<String, String>,
    origin: Option<String>,
    refspec: String,
    status: String,
    files: String,
}

/// Looks at a work tree; of the remote's refs only those of base and head, and its default.
#[track_caller]
fn state(dir: &Path, base: &str, head: &str) -> State {
    let tree = checked_out(dir);
    assert!(tree.fsck_ok, "{}", tree.fsck);
    let wanted = ["HEAD", base, head].map(|name| format!("refs/remotes/origin/{name}"));
    let remote = tree.remote_refs.into_iter();
    State {
        head: tree.head,
        commit: tree.commit,
        branches: tree.branches,
        remote: remote.filter(|(name, _)| wanted.contains(name)).collect(),
        origin: tree.origin_url,
        refspec: git(dir, ["config", "--get-all", "remote.origin.fetch"]),
        status: tree.status,
        files: git(dir, ["ls-files", "--stage"]),
    }
}

/// Does with the git CLI what the controller's own runner does.
fn by_the_cli(cli: &Git, dir: &Path, url: &str, base: &str, head: Option<&str>) -> PathBuf {
    cli.run([
        "clone",
        "-q",
        "--filter=blob:none",
        "--no-checkout",
        url,
        "cli",
    ]);
    let work = dir.join("cli");
    let at = |args: &[&str]| {
        let dir = work.display().to_string();
        cli.end([&["-C", &dir], args].concat())
    };
    let fetch = |branch: &str| {
        let spec = format!("+refs/heads/{branch}:refs/remotes/origin/{branch}");
        at(&["fetch", "-q", "--depth=1", "origin", &spec])
    };
    fetch(base).succeeded();
    let base = format!("origin/{base}");
    if let Some(head) = head {
        let has_head = fetch(head).success;
        let start = if has_head {
            format!("origin/{head}")
        } else {
            base
        };
        at(&["checkout", "-q", "-B", head, &start]).succeeded();
    } else {
        // A clone makes its default branch, which points nowhere after `--no-checkout`.
        at(&["checkout", "-q", "--detach", &base]).succeeded();
        at(&["branch", "-q", "-D", "trunk"]).succeeded();
    }
    if head.is_some_and(|head| head != "main") {
        at(&["branch", "-q", "-D", "main"]).succeeded();
    }
    work
}

/// The git CLI, with a token as askpass gives it.
fn with_token(dir: &Path, user: &str) -> Git {
    let askpass = dir.join("askpass");
    let script = format!("#!/bin/sh\ncase $1 in Username*) echo {user};; *) echo {TOKEN};; esac\n");
    fs::write(&askpass, script).expect("it can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&askpass, mode).expect("it is ours");
    Git::new(dir).env("GIT_ASKPASS", askpass)
}

/// Asserts that ours and the CLI's are the same, and that ours has no token in it.
#[track_caller]
fn assert_same_state(ended: &Ended, cli: &Path, base: &str, head: &str) -> State {
    assert_ends("case", ended, &ends(0, "Completed", "Completed"));
    let work = ended.dir.path().join("repo");
    let ours = state(&work, base, head);
    assert_eq!(ours, state(cli, base, head));
    assert_eq!(ours.status, "");
    assert_eq!(ours.refspec, "+refs/heads/*:refs/remotes/origin/*");
    assert!(!checked_out(&work).config_text.contains(TOKEN));
    ours
}

fn repository() -> Repository {
    Repository::new()
        .history("main", 3)
        .commit("main", [("README", "hello\n"), ("src/lib.rs", "")])
}

/// Work on a head branch that is there already.
fn with_head(repository: Repository, head: &str) -> Repository {
    let repository = repository.branch(head, "main^");
    repository.commit(head, [("work", "begun\n")])
}

fn github(repository: &Repository) -> GitServer {
    GitServer::new()
        .serve("acme/widgets", repository)
        .auth("x-access-token", TOKEN)
}

#[test]
fn a_new_head_branch_starts_at_the_base() {
    let repository = repository();
    let server = github(&repository);
    let ended = Case::named("codex-github-read-write")
        .on(&server)
        .run("true");
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let cli = with_token(dir.path(), "x-access-token");
    let url = server.url("acme/widgets");
    let cli = by_the_cli(&cli, dir.path(), &url, "main", Some("agent/42"));
    let ours = assert_same_state(&ended, &cli, "main", "agent/42");
    assert_eq!(ours.head, Head::Ref("refs/heads/agent/42".to_owned()));
    assert_eq!(ours.commit, Some(repository.rev("main")));
    assert_eq!(ours.origin, Some(url));
}

#[test]
fn a_head_branch_of_the_remote_is_taken_up() {
    let repository = with_head(repository(), "agent/42");
    let server = github(&repository);
    let ended = Case::named("codex-github-read-write")
        .on(&server)
        .run("true");
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let cli = with_token(dir.path(), "x-access-token");
    let url = server.url("acme/widgets");
    let cli = by_the_cli(&cli, dir.path(), &url, "main", Some("agent/42"));
    let ours = assert_same_state(&ended, &cli, "main", "agent/42");
    assert_eq!(ours.commit, Some(repository.rev("agent/42")));
    assert!(ours.remote.contains_key("refs/remotes/origin/main"));
    assert!(ours.remote.contains_key("refs/remotes/origin/agent/42"));
}

#[test]
fn a_read_only_run_is_detached_at_the_base() {
    let repository = repository()
        .branch("trunk", "main")
        .without("refs/heads/main");
    let repository = repository.default_branch("trunk");
    let server = GitServer::new()
        .serve("team/app", &repository)
        .auth("robot", TOKEN);
    let ended = Case::named("codex-gitea-read-only").on(&server).run("true");
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let cli = with_token(dir.path(), "robot");
    let cli = by_the_cli(&cli, dir.path(), &server.url("team/app"), "trunk", None);
    let ours = assert_same_state(&ended, &cli, "trunk", "none");
    assert_eq!(ours.head, Head::Detached);
    assert_eq!(ours.commit, Some(repository.rev("trunk")));
    assert_eq!(ours.branches, BTreeMap::new());
}

#[test]
fn a_deploy_key_leads_to_the_same_state() {
    let key = SshKey::new(KeyKind::Ed25519);
    for repository in [repository(), with_head(repository(), "agent/changelog")] {
        let server = SshServer::new()
            .serve("team/app", &repository)
            .authorize(&key);
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let case = Case::named("codex-ssh").over_ssh(&server, &key, dir.path());
        let ended = case.run("true");
        let known_hosts = dir.path().join("known_hosts");
        let cli =
            Git::new(dir.path()).env("GIT_SSH_COMMAND", server.ssh_command(&key, &known_hosts));
        let url = server.url("team/app");
        let cli = by_the_cli(&cli, dir.path(), &url, "main", Some("agent/changelog"));
        let ours = assert_same_state(&ended, &cli, "main", "agent/changelog");
        assert_eq!(ours.origin, Some(url));
    }
}

/// Fetches, commits and pushes, as an agent does.
const WORK: &str = r#"
    git fetch -q
    echo done >result
    git add result
    git commit -qm 'Do it'
    git push -q -u origin HEAD
    git push -q
    test -z "$(git status --porcelain)"
"#;

/// The same, for a run whose provider names no committer.
fn anonymous_work() -> String {
    let who = "export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com";
    let committer = "export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.com";
    format!("{who}\n{committer}\n{WORK}")
}

#[test]
fn the_agents_own_git_fetches_commits_and_pushes_with_the_token() {
    for repository in [repository(), with_head(repository(), "agent/42")] {
        let server = github(&repository);
        let ended = Case::named("codex-github-read-write").on(&server).run(WORK);
        assert_ends("work", &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(git(repository.dir(), ["show", "agent/42:result"]), "done");
        let author = git(
            repository.dir(),
            ["log", "-1", "--format=%an <%ae>", "agent/42"],
        );
        assert_eq!(author, "Agent Runner <agent-runner@example.com>");
        assert!(git(repository.dir(), ["fsck"]).is_empty());
    }
}

#[test]
fn the_agents_own_git_fetches_commits_and_pushes_with_the_deploy_key() {
    let (repository, key) = (repository(), SshKey::new(KeyKind::Ed25519));
    let server = SshServer::new()
        .serve("team/app", &repository)
        .authorize(&key);
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let case = Case::named("codex-ssh").over_ssh(&server, &key, dir.path());
    let ended = case.run(&anonymous_work());
    assert_ends("work", &ended, &ends(0, "Completed", "Completed"));
    assert_eq!(
        git(repository.dir(), ["show", "agent/changelog:result"]),
        "done"
    );
}

#[test]
fn an_existing_head_branch_is_pushed_without_a_word() {
    let repository = with_head(repository(), "agent/42");
    let server = github(&repository);
    let script = "git commit -q --allow-empty -m more; git push -q";
    let ended = Case::named("codex-github-read-write")
        .on(&server)
        .run(script);
    assert_ends("push", &ended, &ends(0, "Completed", "Completed"));
    assert_eq!(
        git(repository.dir(), ["log", "-1", "--format=%s", "agent/42"]),
        "more"
    );
}

#[test]
fn a_repository_in_sub_groups_is_cloned() {
    let repository = repository();
    let server = GitServer::new()
        .serve("group/sub/widgets", &repository)
        .auth("oauth2", TOKEN);
    let mut case = Case::named("codex-github-read-write")
        .on(&server)
        .vcs("repository", "VCS_REPOSITORY", "group/sub/widgets")
        .vcs("provider", "VCS_PROVIDER", "gitlab");
    for name in [
        "VCS_USERNAME",
        "GIT_ASKPASS_USERNAME",
        "GH_TOKEN",
        "GITHUB_TOKEN",
    ] {
        case.env.remove(name);
    }
    let ended = case.run(WORK);
    assert_ends("work", &ended, &ends(0, "Completed", "Completed"));
    assert_eq!(git(repository.dir(), ["show", "agent/42:result"]), "done");
}

#[test]
fn a_base_that_is_not_there_is_named() {
    let repository = repository()
        .branch("develop", "main")
        .without("refs/heads/main");
    let server = github(&repository);
    let ended = Case::named("codex-github-read-write")
        .on(&server)
        .run("true");
    assert_ends("base", &ended, &ends(74, "WorkspaceFailed", "RefNotFound"));
    for word in ["acme/widgets", "`main`"] {
        assert!(ended.error().contains(word), "{}", ended.error());
    }
    assert!(!ended.dir.path().join("repo").exists());
}
