//! The servers that git tests run against do what they say, with the git CLI as the client.

#[path = "git_servers/faults.rs"]
mod faults;
#[path = "git_servers/http.rs"]
mod http;
#[path = "git_servers/proxy.rs"]
mod proxy;
#[path = "git_servers/repository.rs"]
mod repository;
#[path = "git_servers/ssh.rs"]
mod ssh;

use agent_tests::Repository;
use tempfile::TempDir;

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// One commit with one file.
fn small() -> Repository {
    Repository::new().commit("main", [("README", "hello\n")])
}

/// One commit whose pack is longer than a buffer or two.
fn big() -> Repository {
    Repository::new().files("main", 10, 100_000)
}
