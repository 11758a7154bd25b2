//! What is hostile is refused by its name: texts of a spec, of a payload, of the environment, and
//! what a repository holds. Nothing outside the checkout is touched, and nothing stays in it.

#[path = "checkout_hostile/modules.rs"]
mod modules;
#[path = "checkout_hostile/specs.rs"]
mod specs;
#[path = "checkout_hostile/trees.rs"]
mod trees;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use agent_tests::{Ended, Run};
use serde_json::json;

/// A run into `repo`, beside which nothing may change; the agent would leave a file.
fn into_repo() -> Run {
    let run = Run::new();
    let (repo, ran) = (run.path("repo"), run.path("agent-ran"));
    fs::write(run.path("canary"), "untouched\n").expect("the directory is writable");
    run.setting("cwd", json!(repo))
        .agent(["touch".to_owned(), ran.display().to_string()])
}

/// A run that clones a URL.
fn cloning(url: &str) -> Run {
    into_repo().setting("workspace/git/url", json!(url))
}

/// What is in a directory, but for what every run leaves: spec, status and private scratch.
fn listing(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("it can be listed") {
            let path = entry.expect("it is there").path();
            let name = path.strip_prefix(dir).expect("it is below").to_owned();
            let is_ours = name.starts_with("agent")
                || name == Path::new("spec.json")
                || name.to_string_lossy().starts_with("agent-runner-");
            if is_ours && directory == dir && name != Path::new("agent-ran") {
                continue;
            }
            let kind = fs::symlink_metadata(&path)
                .expect("it is there")
                .file_type();
            let content = if kind.is_dir() {
                waiting.push(path);
                b"a directory".to_vec()
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).expect("it is a link");
                target.as_os_str().as_bytes().to_vec()
            } else {
                fs::read(&path).expect("it can be read")
            };
            found.insert(name, content);
        }
    }
    found
}

/// Ends the run, which must be refused with nothing of it left beside its status.
#[track_caller]
fn refused(run: Run, (code, outcome): (i32, &str), words: &[&str]) -> Ended {
    let before = listing(run.dir());
    let ended = run.end();
    assert_eq!(
        (ended.code, ended.outcome()),
        (code, outcome),
        "{words:?}: {}\n{}",
        ended.status,
        ended.stderr
    );
    for word in words {
        assert!(ended.error().contains(word), "{word}: {}", ended.error());
    }
    assert_eq!(ended.status["retryable"], false, "{}", ended.status);
    assert_eq!(listing(ended.dir.path()), before, "{words:?}");
    ended.assert_the_controller_reads_it();
    ended
}

const INVALID: (i32, &str) = (65, "SpecInvalid");
const POLICY: (i32, &str) = (78, "PolicyRefused");
const FAILED: (i32, &str) = (74, "WorkspaceFailed");
