//! What the agent has put where a file should be.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use agent_tests::{Ended, Run, assert_ends, ends};
use serde_json::json;
use tempfile::TempDir;

use crate::store::{Store, declaring, outputs, stores, uploads};

/// What only the runner should read.
const SECRET: &str = "only for the runner\n";

/// A directory outside of the workspace with a file `secret`.
fn outside() -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let secret = dir.path().join("secret");
    fs::write(&secret, SECRET).expect("the directory is ours");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("the file is ours");
    dir
}

/// A run that stores a path as a single file.
fn single(store: &Store, path: &str) -> Run {
    declaring(
        store.run(),
        json!([{ "name": "it", "path": path, "key": "it" }]),
    )
}

/// Asserts that nothing was stored of what is refused.
#[track_caller]
fn assert_refused(store: &Store, ended: &Ended, words: &str) {
    assert_ends(words, ended, &ends(73, "ArtifactFailed", "NotDelivered"));
    assert!(ended.error().contains(words), "{}", ended.error());
    assert_eq!(uploads(ended)["refused"], 1, "{}", uploads(ended));
    assert_eq!(store.keys(), [""; 0]);
    assert!(!ended.stderr.contains(SECRET.trim()), "{}", ended.stderr);
}

#[test]
fn a_link_out_of_the_workspace_is_refused() {
    let outside = outside();
    let secret = outside.path().join("secret");
    for target in [
        secret.to_str().expect("it is text"),
        "/proc/self/environ",
        "/proc/self/fd/0",
        "/proc/1/environ",
        "/dev/null",
        "/sys/kernel/uevent_seqnum",
        "/etc/passwd",
    ] {
        for store in stores() {
            let run = single(&store, "it").shell(&format!("ln -s '{target}' it"));
            assert_refused(&store, &run.end(), "outside of the workspace");
        }
    }
}

#[test]
fn a_link_that_leads_out_by_others_is_refused() {
    let outside = outside();
    for store in stores() {
        let target = outside.path().display();
        let script = format!(
            "mkdir a; ln -s ../second a/first; ln -s '{target}' third; ln -s third/secret second; ln -s a/first it"
        );
        assert_refused(
            &store,
            &single(&store, "it").shell(&script).end(),
            "outside of the workspace",
        );
        let run = single(&store, "third/secret").shell(&script);
        assert_refused(&store, &run.end(), "outside of the workspace");
        let run = single(&store, "a/../third/secret").shell(&script);
        assert_refused(&store, &run.end(), "outside of the workspace");
    }
}

#[test]
fn a_link_out_of_the_workspace_is_refused_whatever_way_leads_there() {
    let outside = outside();
    for store in stores() {
        let place = tempfile::tempdir().expect("a temporary directory can be made");
        let at = |name: &str| place.path().join(name);
        for name in ["work", "elsewhere"] {
            fs::create_dir(at(name)).expect("the directory is ours");
        }
        symlink("work", at("link")).expect("the directory is ours");
        symlink("elsewhere/../link/out", at("image")).expect("the directory is ours");
        let script = format!("rm -f out; ln -s '{}' out", outside.path().display());
        for cwd in ["work", "link"] {
            for way in [
                "work/out/secret",
                "link/out/secret",
                "elsewhere/../work/out/secret",
                "image/secret",
            ] {
                let run = declaring(
                    store.run().shell(&script),
                    json!([{ "name": "it", "path": at(way), "key": "it" }]),
                );
                let ended = run.setting("cwd", json!(at(cwd))).end();
                assert_refused(&store, &ended, "outside of the workspace");
            }
        }
    }
}

#[test]
fn a_link_within_the_workspace_is_stored_as_what_it_leads_to() {
    for store in stores() {
        let script = "mkdir -p a/b; echo there > a/b/file; ln -s a/b dir; ln -s dir/file link; ln -s \"$PWD/link\" it";
        for path in ["it", "link", "dir/file"] {
            let ended = single(&store, path).shell(script).end();
            assert_ends(path, &ended, &ends(0, "Completed", "Completed"));
            assert_eq!(store.text("it"), "there\n");
            assert_eq!(outputs(&ended)[0]["path"], path);
        }
    }
}

#[test]
fn a_link_to_nothing_and_a_link_to_itself_are_no_files() {
    for store in stores() {
        let ended = single(&store, "it").shell("ln -s nothing it").end();
        assert_ends(
            "nothing",
            &ended,
            &ends(73, "ArtifactFailed", "NotDelivered"),
        );
        let ended = single(&store, "it").shell("ln -s it it").end();
        assert_ends(
            "itself",
            &ended,
            &ends(73, "ArtifactFailed", "NotDelivered"),
        );
        assert_eq!(store.keys(), [""; 0]);
    }
}

#[test]
fn a_file_elsewhere_is_stored_if_the_provider_names_it() {
    let outside = outside();
    let path = outside.path().join("secret");
    for store in stores() {
        let ended = single(&store, path.to_str().expect("it is text")).end();
        assert_ends("elsewhere", &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(store.text("it"), SECRET);
    }
    // A link in its place may be anybody's.
    let link = outside.path().join("link");
    symlink(&path, &link).expect("the directory is ours");
    for store in stores() {
        let ended = single(&store, link.to_str().expect("it is text")).end();
        assert_refused(&store, &ended, "outside of the workspace");
    }
}

#[test]
fn what_the_kernel_makes_up_is_refused_also_by_its_own_name() {
    for path in ["/proc/self/environ", "/dev/null", "/dev/zero", "/dev/stdin"] {
        for store in stores() {
            let ended = single(&store, path).end();
            assert_eq!(
                ended.outcome(),
                "ArtifactFailed",
                "{path}: {}",
                ended.stderr
            );
            assert_eq!(store.keys(), [""; 0], "{path}");
        }
    }
}

#[test]
fn pipes_sockets_and_directories_are_no_files() {
    for store in stores() {
        let ended = single(&store, "it").shell("mkfifo it").end();
        assert_refused(&store, &ended, "is no regular file");

        let run = single(&store, "it");
        let socket = UnixListener::bind(run.path("it")).expect("the directory is ours");
        assert_refused(&store, &run.end(), "is no regular file");
        drop(socket);

        let ended = single(&store, "it").shell("mkdir it; echo x > it/x").end();
        assert_refused(
            &store,
            &ended,
            "is a directory, and the key does not end in `/`",
        );
    }
}

#[test]
fn a_device_is_no_file() {
    if !nix::unistd::geteuid().is_root() {
        // Nobody else can make one.
        return;
    }
    for store in stores() {
        let run = single(&store, "it").shell("mknod it c 1 5 2>/dev/null || mkfifo it");
        assert_refused(&store, &run.end(), "is no regular file");
    }
}

#[test]
fn in_a_tree_only_files_are_stored_and_no_link_is_followed() {
    let outside = outside();
    for store in stores() {
        let target = outside.path().display();
        let script = format!(
            "mkdir -p t/real; echo real > t/real/file; ln -s real/file t/inside; ln -s real t/dir
             ln -s '{target}' t/away; ln -s '{target}/secret' t/real/secret; ln -s / t/root
             ln -s /proc/self/environ t/environ; mkfifo t/fifo; ln -s t t/itself"
        );
        let run = store.run().shell(&script);
        let listener = UnixListener::bind(run.path("socket")).expect("the directory is ours");
        let ended = run
            .setting(
                "artifacts/files",
                json!([
                    { "name": "tree", "path": "t", "key": "tree/" },
                    { "name": "glob", "path": "**/*", "key": "glob/", "exclude": ["agent", "*.json"] },
                ]),
            )
            .end();
        drop(listener);
        assert_ends("tree", &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(store.keys(), ["glob/t/real/file", "tree/real/file"]);
    }
}

#[test]
fn a_tree_that_is_a_link_is_followed_only_within_the_workspace() {
    let outside = outside();
    for store in stores() {
        let tree = |script: &str| {
            let artifacts = json!([{ "name": "t", "path": "t", "key": "t/" }]);
            declaring(store.run().shell(script), artifacts).end()
        };
        let target = outside.path().display();
        let ended = tree(&format!("ln -s '{target}' t"));
        assert_refused(&store, &ended, "outside of the workspace");
        for place in ["/proc/self", "/dev", "/"] {
            let ended = tree(&format!("ln -s {place} t"));
            assert_refused(&store, &ended, "outside of the workspace");
        }
        let artifacts = json!([{ "name": "t", "path": "t/*", "key": "t/" }]);
        let run = store.run().shell(&format!("ln -s '{target}' t"));
        assert_refused(
            &store,
            &declaring(run, artifacts).end(),
            "outside of the workspace",
        );

        let ended = tree("mkdir real; echo x > real/x; ln -s real t");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(store.keys(), ["t/x"]);
    }
}

#[test]
fn a_file_that_may_not_be_read_fails_and_is_not_missing() {
    if nix::unistd::geteuid().is_root() {
        // Root may read any.
        return;
    }
    for store in stores() {
        let ended = single(&store, "it").shell("echo x > it; chmod 0 it").end();
        assert_ends("shut", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
        assert_eq!(uploads(&ended)["failed"], 1);
    }
}
