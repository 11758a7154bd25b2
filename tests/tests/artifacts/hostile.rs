//! Keys and names that somebody has chosen to do harm with.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use agent_tests::{Run, assert_ends, ends};
use serde_json::json;

use crate::store::{PREFIX, Store, declaring, outputs, stores, uploads};

const ONE: &str = "echo one > one";

#[test]
fn a_key_that_leads_elsewhere_is_refused_and_nobody_is_asked() {
    for store in stores() {
        for key in [
            "../one",
            "a/../../one",
            "a/..",
            "./one",
            "a/ .. /b",
            "..",
            "a/\0/b",
            "\0",
            "/ /",
        ] {
            let artifacts = json!([{ "name": "one", "path": "one", "key": key }]);
            let ended = declaring(store.run().shell(ONE), artifacts.clone()).end();
            if key == "/ /" {
                let error = ended.error();
                assert!(error.contains("nothing is left"), "{error}");
            }
            assert_ends(key, &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
            assert!(
                ended.error().contains("artifact `one`"),
                "{}",
                ended.error()
            );
            assert_eq!(outputs(&ended), &artifacts);
            assert_eq!(uploads(&ended)["refused"], 1);
        }
        assert_eq!(store.keys(), [""; 0]);
        if let Store::S3(server) = &store {
            assert_eq!(server.connections(), 0);
        }
    }
}

#[test]
fn a_key_that_is_only_strange_is_stored_under_it() {
    for (written, key) in [
        ("a//b", "a/b"),
        ("//a / b//", "a/b"),
        ("a b+c%20d%2F&=?#;:@$,!'()*~", "a b+c%20d%2F&=?#;:@$,!'()*~"),
        ("%2e%2e/%2E%2E/x", "%2e%2e/%2E%2E/x"),
        ("...", "..."),
        ("..a/b..", "..a/b.."),
        ("ä/ß/日本/🦀/e\u{301}", "ä/ß/日本/🦀/e\u{301}"),
        ("a\\..\\b", "a\\..\\b"),
        ("\"quotes\" 'and' <tags>", "\"quotes\" 'and' <tags>"),
        ("-rf", "-rf"),
    ] {
        for store in stores() {
            let artifacts = json!([{ "name": "one", "path": "one", "key": written }]);
            let ended = declaring(store.run().shell(ONE), artifacts).end();
            assert_ends(written, &ended, &ends(0, "Completed", "Completed"));
            assert_eq!(store.keys(), [key]);
            assert_eq!(store.text(key), "one\n");
            assert_eq!(outputs(&ended)[0]["key"], key);
            assert_eq!(outputs(&ended)[0]["url"], store.url(key));
        }
    }
}

#[test]
fn a_key_may_have_1024_bytes_and_no_more() {
    let [store, _] = stores();
    let longest = "é".repeat(512);
    for (key, code) in [(longest.clone(), 0), (format!("{longest}x"), 73)] {
        let artifacts = json!([{ "name": "one", "path": "one", "key": key }]);
        let ended = declaring(store.run().shell(ONE), artifacts).end();
        assert_eq!(ended.code, code, "{}", ended.stderr);
    }
    assert_eq!(store.keys(), [longest]);
}

#[test]
fn a_key_below_a_file_is_an_object_in_s3_and_an_error_in_a_directory() {
    for store in stores() {
        let run = declaring(
            store
                .run()
                .shell(&format!("{ONE}; head -c 10 /dev/zero > two")),
            json!([
                { "name": "one", "path": "one", "key": "a" },
                { "name": "two", "path": "two", "key": "a/b" },
            ]),
        );
        let ended = run.end();
        match &store {
            Store::S3(_) => {
                assert_eq!(ended.code, 0, "{}", ended.stderr);
                assert_eq!(store.keys(), ["a", "a/b"]);
            }
            Store::Directory(_) => {
                assert_ends("below", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
                // Whichever of them is the second.
                assert!(
                    ended.error().contains("cannot be stored"),
                    "{}",
                    ended.error()
                );
                assert_eq!(uploads(&ended)["objects"], 1);
            }
        }
    }
}

#[test]
fn a_link_in_a_directory_store_leads_nowhere() {
    let [_, store] = stores();
    let Store::Directory(dir) = &store else {
        unreachable!("the second is a directory")
    };
    let outside = tempfile::tempdir().expect("a temporary directory can be made");
    std::os::unix::fs::symlink(outside.path(), dir.path().join("away")).expect("it is ours");
    let target = outside.path().join("target");
    fs::write(&target, "as it was").expect("it is ours");
    std::os::unix::fs::symlink(&target, dir.path().join("link")).expect("it is ours");
    let run = declaring(
        store.run().shell(ONE),
        json!([
            { "name": "away", "path": "one", "key": "away/one" },
            { "name": "link", "path": "one", "key": "link" },
        ]),
    );
    let ended = run.end();
    assert_ends("away", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
    assert!(
        ended.error().contains("leads out of the directory"),
        "{}",
        ended.error()
    );
    assert_eq!(
        fs::read_to_string(&target).expect("it is there"),
        "as it was"
    );
    assert_eq!(
        fs::read_dir(outside.path()).expect("it is there").count(),
        1
    );
    // A link of that name is replaced by the object.
    assert_eq!(store.text("link"), "one\n");
}

/// A run whose directory `t` has files of these names.
fn with_files(run: Run, names: &[&[u8]]) -> Run {
    let tree = run.path("t");
    fs::create_dir(&tree).expect("the directory is ours");
    for name in names {
        fs::write(tree.join(OsStr::from_bytes(name)), name).expect("the directory is ours");
    }
    run.setting("artifacts/files", json!([{ "name": "t", "path": "t" }]))
        .setting("artifacts/include", json!(["manifest"]))
}

#[test]
fn files_keep_their_names_whatever_is_in_them() {
    let names = [
        "new\nline",
        "tab\tand\rreturn",
        "a b+c%2F&=?#",
        " leading and trailing ",
        "日本🦀",
        "e\u{301}",
        "[a-z]*?{x}",
        "back\\slash",
        "\u{1b}[31mred",
        "-n",
        "...",
        "\u{7f}\u{1}",
    ];
    for store in stores() {
        let bytes = names.map(str::as_bytes);
        let ended = with_files(store.run(), &bytes).end();
        assert_ends("names", &ended, &ends(0, "Completed", "Completed"));
        for name in names {
            assert_eq!(store.text(&format!("{PREFIX}t/{name}")), name, "{name:?}");
        }
        assert_eq!(store.keys().len(), names.len() + 1);
        // Nobody's terminal obeys a name.
        assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
        assert!(!ended.stderr.contains("new\nline"), "{}", ended.stderr);
        let manifest = store.json(&format!("{PREFIX}manifest.json"));
        assert_eq!(
            manifest["objects"].as_array().map(Vec::len),
            Some(names.len())
        );
    }
}

#[test]
fn a_name_that_is_no_text_fails_and_the_others_are_stored() {
    for store in stores() {
        let ended = with_files(store.run(), &[b"good", b"bad\xff\x1b[31m"]).end();
        assert_ends("name", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
        let error = ended.error();
        assert!(
            error.contains("its name is not UTF-8") && !error.contains('\u{1b}'),
            "{error:?}"
        );
        assert_eq!(store.text(&format!("{PREFIX}t/good")), "good");
        assert_eq!(store.keys().len(), 2);
        let uploads = uploads(&ended);
        assert_eq!(
            (&uploads["objects"], &uploads["failed"]),
            (&json!(1), &json!(1))
        );
        let manifest = store.json(&format!("{PREFIX}manifest.json"));
        assert_eq!(manifest["missing"][0]["result"], "failed");
    }
}

#[test]
fn a_name_that_is_too_long_for_a_key_fails_and_the_others_are_stored() {
    for store in stores() {
        let run = with_files(store.run(), &[b"good"]);
        let mut deep = run.path("t");
        for _ in 0..5 {
            deep.push("d".repeat(250));
            fs::create_dir(&deep).expect("the directory is ours");
        }
        fs::write(deep.join("file"), "x").expect("the directory is ours");
        let ended = run.end();
        assert_ends("long", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
        assert!(
            ended.error().contains("more than 1024 bytes"),
            "{}",
            ended.error()
        );
        assert_eq!(store.text(&format!("{PREFIX}t/good")), "good");
        ended.assert_the_controller_reads_it();
    }
}

#[test]
fn names_of_artifacts_are_only_names() {
    for store in stores() {
        let run = declaring(
            store.run().shell(ONE),
            json!([
                { "name": "../../x\n\u{1b}[31m", "path": "one", "key": "one" },
                { "name": "x".repeat(3000), "path": "one", "key": "two" },
            ]),
        );
        let ended = run.end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.assert_the_controller_reads_it();
        assert_eq!(store.keys(), ["one", "two"]);
        let shown = &ended.full["artifacts"]["outputArtifacts"][0]["name"];
        assert_eq!(shown, "../../x\n\u{1b}[31m");
    }
    // Below the prefix it would lead away.
    let [_, store] = stores();
    let run = store.run().shell(ONE);
    let ended = run
        .setting(
            "artifacts/files",
            json!([{ "name": "../../x", "path": "one" }]),
        )
        .end();
    assert_ends("away", &ended, &ends(73, "ArtifactFailed", "NotDelivered"));
    assert_eq!(store.keys(), [""; 0]);
}
