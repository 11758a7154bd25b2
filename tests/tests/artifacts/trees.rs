//! Directories and patterns.

use agent_tests::{Run, assert_ends, ends};
use serde_json::{Value, json};

use crate::store::{PREFIX, Store, declaring, outputs, stores, uploads};

/// A tree of files, with some that are not wanted.
const TREE: &str = "
mkdir -p out/deep/deeper out/empty out/node_modules/x
echo a > out/a.md; echo b > out/deep/b.md; echo c > out/deep/deeper/c.md
echo log > out/a.log; echo .h > out/.hidden; echo x > out/node_modules/x/index.md
echo o > out/deep/main.o
";

/// A run with one further file, and what it is shown with.
fn file(store: &Store, entry: &Value) -> Run {
    store
        .run()
        .shell(TREE)
        .setting("artifacts/files", json!([entry]))
}

#[test]
fn a_directory_is_stored_with_all_that_is_below_it() {
    for store in stores() {
        let artifacts =
            json!([{ "name": "tree", "path": "out", "key": "/trees//{{inputs.stage}}/" }]);
        let ended = declaring(store.run().shell(TREE), artifacts).end();
        assert_ends("tree", &ended, &ends(0, "Completed", "Completed"));
        let all = [
            ".hidden",
            "a.log",
            "a.md",
            "deep/b.md",
            "deep/deeper/c.md",
            "deep/main.o",
            "node_modules/x/index.md",
        ];
        assert_eq!(store.keys(), all.map(|name| format!("trees/audit/{name}")));
        assert_eq!(store.text("trees/audit/deep/deeper/c.md"), "c\n");
        let wanted = json!([{
            "name": "tree",
            "path": "out",
            "key": "trees/audit/",
            "url": store.url("trees/audit/"),
        }]);
        assert_eq!(outputs(&ended), &wanted);
        assert_eq!(uploads(&ended)["objects"], all.len());
    }
}

#[test]
fn a_pattern_is_stored_with_the_names_below_its_beginning_without_wildcards() {
    for (path, names) in [
        (
            "out/**/*.md",
            &[
                "a.md",
                "deep/b.md",
                "deep/deeper/c.md",
                "node_modules/x/index.md",
            ][..],
        ),
        ("out/*.md", &["a.md"]),
        ("out/deep/**", &["b.md", "deeper/c.md", "main.o"]),
        ("out/a.?og", &["a.log"]),
        ("out/[a-b].md", &["a.md"]),
        ("out/*/b.md", &["deep/b.md"]),
        ("./*/a.md", &["out/a.md"]),
        ("{{inputs.there}}/deep/*.o", &["main.o"]),
    ] {
        for store in stores() {
            let run = file(
                &store,
                &json!({ "name": "some", "path": path, "key": "some/" }),
            );
            let ended = run.spec("/inputs/there", json!("out")).end();
            assert_ends(path, &ended, &ends(0, "Completed", "Completed"));
            let wanted: Vec<_> = names.iter().map(|name| format!("some/{name}")).collect();
            assert_eq!(store.keys(), wanted, "{path}");
            assert_eq!(outputs(&ended)[0]["url"], store.url("some/"));
        }
    }
}

#[test]
fn a_file_whose_name_has_a_wildcard_is_that_file() {
    for store in stores() {
        let run = store
            .run()
            .shell("echo 1 > 'a[1].txt'; echo 2 > a1.txt; echo 3 > '*'");
        let run = run.setting(
            "artifacts/files",
            json!([
                { "name": "one", "path": "a[1].txt", "key": "one/" },
                { "name": "star", "path": "*", "key": "star/" },
            ]),
        );
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(store.keys(), ["one", "star"]);
        assert_eq!(
            (store.text("one"), store.text("star")),
            ("1\n".into(), "3\n".into())
        );
    }
}

#[test]
fn what_a_pattern_excludes_is_left_out_with_all_that_is_below_it() {
    for store in stores() {
        let exclude = json!(["node_modules", "**/*.o", "*.log", "deep/deeper/"]);
        let entry = json!({ "name": "out", "path": "out", "exclude": exclude });
        let ended = file(&store, &entry).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let wanted = [".hidden", "a.md", "deep/b.md"].map(|name| format!("{PREFIX}out/{name}"));
        assert_eq!(store.keys(), wanted);

        let entry =
            json!({ "name": "md", "path": "out/**/*.md", "exclude": ["node_modules/**", "a.*"] });
        for key in store.keys() {
            forget(&store, &key);
        }
        let ended = file(&store, &entry).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let wanted = ["deep/b.md", "deep/deeper/c.md"].map(|name| format!("{PREFIX}md/{name}"));
        assert_eq!(store.keys(), wanted);
    }
}

fn forget(store: &Store, key: &str) {
    match store {
        Store::S3(server) => assert!(server.remove(key)),
        Store::Directory(dir) => std::fs::remove_file(dir.path().join(key)).expect("it is there"),
    }
}

#[test]
fn a_pattern_that_nothing_matches_is_missing() {
    for store in stores() {
        let entry = json!({ "name": "none", "path": "out/**/*.pdf" });
        let ended = file(&store, &entry).end();
        assert_ends("none", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
        let pattern = ended.dir.path().join("out/**/*.pdf");
        let error = format!("artifact `none`: nothing matches `{}`", pattern.display());
        assert_eq!(ended.error(), error);
        assert_eq!(uploads(&ended)["missing"], 1);

        let mut entry = entry;
        entry["optional"] = json!(true);
        let ended = file(&store, &entry).end();
        assert_ends("optional", &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(outputs(&ended), &json!([]));
        assert_eq!(uploads(&ended)["missing"], 1);
        assert_eq!(uploads(&ended).get("problem"), None);
    }
}

#[test]
fn an_empty_directory_is_there_and_has_no_objects() {
    for store in stores() {
        let ended = file(&store, &json!({ "name": "empty", "path": "out/empty" })).end();
        assert_ends("empty", &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(store.keys(), [""; 0]);
        assert_eq!(uploads(&ended)["objects"], 0);
    }
}

#[test]
fn a_directory_and_a_pattern_need_a_key_of_a_directory() {
    for store in stores() {
        for (path, words) in [
            ("out", "is a directory, and the key does not end in `/`"),
            ("out/", "is a directory, and the key does not end in `/`"),
            ("out/*.md", "is not there"),
        ] {
            let ended = file(
                &store,
                &json!({ "name": "out", "path": path, "key": "out" }),
            )
            .end();
            assert_ends(path, &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
            assert!(ended.error().contains(words), "{path}: {}", ended.error());
            assert_eq!(store.keys(), [""; 0]);
        }
    }
}

#[test]
fn a_file_that_is_said_to_be_a_directory_is_not_there() {
    for store in stores() {
        let ended = file(
            &store,
            &json!({ "name": "a", "path": "out/a.md/b", "key": "a" }),
        )
        .end();
        assert_ends("a", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
        assert!(ended.error().contains("is not there"), "{}", ended.error());
    }
}

#[test]
fn a_directory_that_cannot_be_listed_fails_and_the_rest_is_stored() {
    // Root may list any.
    if nix::unistd::geteuid().is_root() {
        return;
    }
    for store in stores() {
        let script = format!("{TREE}\nmkdir out/shut; echo x > out/shut/x; chmod 0 out/shut");
        let run = file(
            &store,
            &json!({ "name": "out", "path": "out", "key": "o/" }),
        )
        .shell(&script);
        let ended = run.end();
        assert_ends("shut", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
        assert!(
            ended.error().contains("out/shut` cannot be read"),
            "{}",
            ended.error()
        );
        assert_eq!(store.text("o/a.md"), "a\n");
    }
}

#[test]
fn thousands_of_small_files_are_all_stored() {
    for store in stores() {
        let script =
            "mkdir -p many; i=0; while [ $i -lt 2000 ]; do echo $i > many/$i; i=$((i+1)); done";
        let entry = json!({ "name": "many", "path": "many", "key": "m/" });
        let ended = file(&store, &entry).shell(script).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(store.keys().len(), 2000);
        assert_eq!(store.text("m/1999"), "1999\n");
        assert_eq!(uploads(&ended)["objects"], 2000);
        if let Store::S3(server) = &store {
            let most = server.concurrent_max();
            assert!((2..=8).contains(&most), "{most} at once");
        }
    }
}
