//! A restarted container finds the checkout of the one before, and loses nothing of it.

use std::fs;
use std::path::{Path, PathBuf};

use agent_tests::{
    CheckedOut, Ended, GitServer, Head, Repository, Run, assert_ends, checked_out, ends, git,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{assert_sound, depth};

/// A volume that outlives its containers, and a server.
struct Pod {
    volume: TempDir,
    server: GitServer,
    write: bool,
}

impl Pod {
    /// A pod whose runs work on `agent/1`.
    fn writing(repository: &Repository) -> Self {
        Self {
            volume: tempfile::tempdir().expect("a temporary directory can be made"),
            server: GitServer::new().serve("owner/name", repository),
            write: true,
        }
    }

    fn reading(repository: &Repository) -> Self {
        Self {
            write: false,
            ..Self::writing(repository)
        }
    }

    fn dir(&self) -> PathBuf {
        self.volume.path().join("repo")
    }

    /// Runs a container whose agent is a script.
    fn run(&self, script: &str) -> Ended {
        let run = Run::new();
        let payload = run.path("run.json");
        let vcs = json!({ "vcs": {
            "provider": "gitea",
            "repository": "owner/name",
            "cloneBaseUrl": self.server.base(),
            "baseBranch": "main",
            "headBranch": "agent/1",
            "writeEnabled": self.write,
        } });
        fs::write(&payload, vcs.to_string()).expect("it can be written");
        let mut run = run
            .shell(&format!("set -eu\n{script}"))
            .setting("cwd", json!(self.dir()))
            .setting("workspace/git", json!({}))
            .env("AGENT_RUN_SPEC", payload)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            run = run
                .env(&format!("GIT_{who}_NAME"), "Agent")
                .env(&format!("GIT_{who}_EMAIL"), "agent@example.com");
        }
        run.end()
    }

    /// Runs one that must go well; returns its work tree.
    #[track_caller]
    fn good(&self, script: &str) -> (Ended, CheckedOut) {
        let ended = self.run(script);
        assert_ends("again", &ended, &ends(0, "Completed", "Completed"));
        let tree = checked_out(self.dir());
        assert!(tree.fsck_ok, "{}", tree.fsck);
        (ended, tree)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir().join(name)).expect("it is there")
    }

    /// References that keep work of an earlier attempt, with their commits.
    fn kept(&self) -> Vec<(String, String)> {
        let format = "--format=%(refname) %(objectname)";
        git(
            self.dir(),
            ["for-each-ref", format, "refs/agent-runner/kept"],
        )
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, commit)| (name.to_owned(), commit.to_owned()))
        .collect()
    }
}

fn repository() -> Repository {
    Repository::new().commit("main", [("README", "one\n"), ("other", "other\n")])
}

fn warnings(ended: &Ended) -> Vec<&str> {
    let all = ended.status["warnings"].as_array();
    all.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[track_caller]
fn assert_warns_of(ended: &Ended, kept: &str) {
    let warnings = warnings(ended);
    assert!(
        warnings.iter().any(|text| text.contains(kept)),
        "{warnings:?}"
    );
}

/// A further commit on `main` that changes `README`.
fn moved_on(repository: Repository) -> Repository {
    repository.commit("main", [("README", "two\n"), ("new", "new\n")])
}

#[test]
fn an_untouched_checkout_is_brought_to_the_remotes_new_commit_without_a_warning() {
    for write in [true, false] {
        let repository = repository();
        let pod = Pod {
            write,
            ..Pod::writing(&repository)
        };
        pod.good("");
        let repository = moved_on(repository);
        let (ended, tree) = pod.good("");
        assert_sound(&pod.dir());
        assert_eq!(tree.commit, Some(repository.rev("main")));
        assert_eq!(pod.read("README"), "two\n");
        assert_eq!(pod.read("new"), "new\n");
        assert_eq!(pod.kept(), []);
        assert_eq!(warnings(&ended), [""; 0]);
    }
}

#[test]
fn a_checkout_that_is_up_to_date_is_left_as_it_is() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("");
    let index = fs::read(pod.dir().join(".git/index")).expect("it is there");
    let (_, tree) = pod.good("");
    assert_sound(&pod.dir());
    assert_eq!(tree.head, Head::Ref("refs/heads/agent/1".to_owned()));
    assert_eq!(
        fs::read(pod.dir().join(".git/index")).expect("it is there"),
        index
    );
}

#[test]
fn origin_is_set_to_the_runs_repository_again() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("git remote set-url origin https://user:secret@elsewhere.invalid/x.git");
    let (_, tree) = pod.good("");
    assert_eq!(tree.origin_url, Some(pod.server.url("owner/name")));
}

#[test]
fn commits_that_were_not_pushed_are_kept_with_a_warning() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    let (_, tree) = pod.good("echo work >>other; git commit -qam work");
    let work = tree.commit.expect("it is committed");
    let repository = moved_on(repository);
    let (ended, tree) = pod.good("");
    assert_sound(&pod.dir());
    assert_eq!(tree.commit, Some(repository.rev("main")));
    assert_eq!(tree.head, Head::Ref("refs/heads/agent/1".to_owned()));
    let [(name, commit)] = &pod.kept()[..] else {
        panic!("{:?}", pod.kept());
    };
    assert_eq!(commit, &work);
    assert!(
        name.starts_with("refs/agent-runner/kept/agent/1/"),
        "{name}"
    );
    assert_warns_of(&ended, name);
    // It can be taken up again.
    assert_eq!(
        git(pod.dir(), ["show", &format!("{work}:other")]),
        "other\nwork"
    );
}

#[test]
fn commits_that_were_not_pushed_are_kept_when_the_remote_stands_still() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    let (_, tree) = pod.good("echo work >>other; git commit -qam work");
    let (ended, after) = pod.good("");
    assert_eq!(after.commit, Some(repository.rev("main")));
    assert_eq!(pod.kept().len(), 1);
    assert_eq!(Some(&pod.kept()[0].1), tree.commit.as_ref());
    assert_warns_of(&ended, &pod.kept()[0].0);
}

#[test]
fn commits_of_a_detached_head_are_kept() {
    let repository = repository();
    for write in [true, false] {
        let pod = Pod {
            write,
            ..Pod::reading(&repository)
        };
        let script = "git checkout -q --detach; echo work >>other; git commit -qam work";
        let (_, tree) = pod.good(script);
        let (ended, _) = pod.good("");
        let kept = pod.kept();
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert_eq!(Some(&kept[0].1), tree.commit.as_ref());
        assert_warns_of(&ended, &kept[0].0);
    }
}

#[test]
fn commits_of_the_agents_own_branch_stay_on_it() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    let (_, tree) = pod.good("git checkout -qb mine; echo work >>other; git commit -qam work");
    let (ended, after) = pod.good("");
    assert_eq!(after.branches.get("refs/heads/mine"), tree.commit.as_ref());
    assert_eq!(after.head, Head::Ref("refs/heads/agent/1".to_owned()));
    assert_eq!(pod.kept(), []);
    assert_eq!(warnings(&ended), [""; 0]);
}

#[test]
fn commits_that_were_pushed_are_taken_up_again_without_a_warning() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    let script = "echo work >>other; git commit -qam work; git push -q -u origin HEAD";
    let repository = repository.config("http.receivepack", "true");
    let (_, tree) = pod.good(script);
    assert_eq!(tree.commit, Some(repository.rev("agent/1")));
    let (ended, after) = pod.good("");
    assert_sound(&pod.dir());
    assert_eq!(after.commit, tree.commit);
    assert_eq!(pod.kept(), []);
    // Somebody else adds to it: a shallow fetch does not show that it is a descendant.
    let repository = repository.commit("agent/1", [("other", "theirs\n")]);
    let (again, after) = pod.good("");
    assert_sound(&pod.dir());
    assert_eq!(after.commit, Some(repository.rev("agent/1")));
    assert_eq!(pod.kept(), []);
    assert_eq!((warnings(&ended), warnings(&again)), (vec![], vec![]));
}

#[test]
fn changes_that_are_in_nobodys_way_are_kept() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("echo work >>other; echo untracked >mine; echo staged >staged; git add staged");
    let repository = moved_on(repository);
    let (_, tree) = pod.good("");
    assert_eq!(tree.commit, Some(repository.rev("main")));
    assert_eq!(pod.read("README"), "two\n");
    assert_eq!(pod.read("other"), "other\nwork\n");
    assert_eq!(pod.read("mine"), "untracked\n");
    assert_eq!(tree.status, " M other\nA  staged\n?? mine");
}

#[test]
fn a_removed_file_stays_removed_unless_the_remote_changed_it() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("rm README other");
    let repository = moved_on(repository);
    let (_, tree) = pod.good("");
    assert_eq!(tree.commit, Some(repository.rev("main")));
    assert_eq!(pod.read("README"), "two\n");
    assert_eq!(tree.status, " D other");
}

/// Asserts that a run refuses to go on, and that nothing of the work tree has changed.
#[track_caller]
fn assert_refused(pod: &Pod, file: &str, content: &str) {
    let before = checked_out(pod.dir());
    let ended = pod.run("");
    assert_ends(
        "conflict",
        &ended,
        &ends(74, "WorkspaceFailed", "LocalChanges"),
    );
    for word in [file, &pod.dir().display().to_string()] {
        assert!(ended.error().contains(word), "{}", ended.error());
    }
    assert_eq!(pod.read(file), content);
    let after = checked_out(pod.dir());
    assert_eq!((after.head, after.commit), (before.head, before.commit));
    assert_eq!(after.status, before.status);
}

#[test]
fn a_change_that_the_new_commit_would_replace_is_refused() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("echo work >>README");
    let _repository = moved_on(repository);
    assert_refused(&pod, "README", "one\nwork\n");
    // And again, as the pod is started once more.
    assert_refused(&pod, "README", "one\nwork\n");
}

#[test]
fn a_staged_change_that_the_new_commit_would_replace_is_refused() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("echo work >>README; git add README");
    let _repository = moved_on(repository);
    assert_refused(&pod, "README", "one\nwork\n");
}

#[test]
fn an_untracked_file_that_the_new_commit_would_replace_is_refused() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("echo work >new");
    let _repository = moved_on(repository);
    assert_refused(&pod, "new", "work\n");
}

#[test]
fn a_change_that_the_new_commit_has_too_is_no_conflict() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("echo two >README");
    let repository = moved_on(repository);
    let (_, tree) = pod.good("");
    assert_eq!(tree.commit, Some(repository.rev("main")));
    assert_eq!(tree.status, "");
}

#[test]
fn an_update_that_was_killed_is_finished() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("");
    let repository = moved_on(repository);
    // As the kernel leaves it that kills us between the files and the index.
    fs::write(pod.dir().join("README"), "two\n").expect("it can be written");
    fs::write(pod.dir().join("new"), "new\n").expect("it can be written");
    let (_, tree) = pod.good("");
    assert_sound(&pod.dir());
    assert_eq!(tree.commit, Some(repository.rev("main")));
}

#[test]
fn files_that_the_remote_removed_go() {
    let repository = repository().commit("main", [("folder/file", "")]);
    let pod = Pod::writing(&repository);
    pod.good("");
    let _repository = repository.commit("main", [agent_tests::Entry::removed("folder")]);
    let (_, tree) = pod.good("");
    assert_eq!(tree.status, "");
    assert!(!pod.dir().join("folder").exists());
}

#[test]
fn a_history_that_was_written_anew_is_taken() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("");
    let repository = repository.commit("fresh", [("README", "anew\n")]);
    let repository = repository
        .branch("main", "fresh")
        .without("refs/heads/fresh");
    let (_, tree) = pod.good("");
    assert_sound(&pod.dir());
    assert_eq!(tree.commit, Some(repository.rev("main")));
    assert!(!pod.dir().join("other").exists());
}

#[test]
fn a_clone_that_was_not_finished_is_begun_anew() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    pod.good("");
    // As the kernel leaves it that kills us in the middle.
    let mark = pod.dir().join(".git/agent-runner-incomplete");
    fs::write(mark, "").expect("it can be written");
    fs::remove_file(pod.dir().join(".git/index")).expect("it is there");
    fs::remove_file(pod.dir().join("README")).expect("it is there");
    let (_, tree) = pod.good("");
    assert_sound(&pod.dir());
    assert_eq!(tree.commit, Some(repository.rev("main")));
}

#[test]
fn a_checkout_of_the_git_cli_is_taken_over() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    let outside: &Path = pod.volume.path();
    git(
        outside,
        [
            "clone",
            "-q",
            "--depth=1",
            &pod.server.url("owner/name"),
            "repo",
        ],
    );
    let repository = moved_on(repository);
    let (_, tree) = pod.good("");
    assert_sound(&pod.dir());
    assert_eq!(tree.commit, Some(repository.rev("main")));
    assert_eq!(tree.head, Head::Ref("refs/heads/agent/1".to_owned()));
}

#[test]
fn a_checkout_with_all_of_its_history_keeps_it() {
    let repository = Repository::new().history("main", 5);
    let pod = Pod::writing(&repository);
    let url = pod.server.url("owner/name");
    git(pod.volume.path(), ["clone", "-q", &url, "repo"]);
    let (_, tree) = pod.good("");
    assert!(!tree.shallow);
    assert_eq!(depth(&pod.dir()), 5);
    let repository = moved_on(repository);
    let (_, tree) = pod.good("");
    assert_eq!(tree.commit, Some(repository.rev("main")));
    assert!(!tree.shallow);
    assert_eq!(depth(&pod.dir()), 6);
}

#[test]
fn a_configuration_that_leads_the_remote_elsewhere_is_refused() {
    let repository = repository();
    let pod = Pod::writing(&repository);
    let other = GitServer::new().serve("owner/name", &repository);
    for elsewhere in [other.base(), repository.url()] {
        pod.good("");
        let commit = checked_out(pod.dir()).commit;
        let key = format!("url.{elsewhere}.insteadOf");
        git(pod.dir(), ["config", &key, &pod.server.base()]);
        let before = pod.server.connections();
        let ended = pod.run("");
        assert_ends(
            "rewritten",
            &ended,
            &ends(78, "PolicyRefused", "ForeignGit"),
        );
        assert!(ended.error().contains("insteadOf"), "{}", ended.error());
        assert_eq!(ended.status["retryable"], false);
        assert_eq!((other.connections(), pod.server.connections()), (0, before));
        assert_eq!(checked_out(pod.dir()).commit, commit);
        git(pod.dir(), ["config", "--unset", &key]);
    }
}
