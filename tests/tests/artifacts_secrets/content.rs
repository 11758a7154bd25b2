//! Secrets in what is stored.

use std::fs;

use agent_tests::{Run, S3Operation, assert_ends, ends};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::store::{PREFIX, Store, declaring, outputs, stores, uploads};

/// With characters that JSON, URLs and base64 each treat in their own way.
const SECRET: &str = "s3cr\"et/+value&with=more\\than words";

/// What stands in its place.
const MARK: &str = "[REDACTED:SOME_API_KEY]";

/// Above this a file is sent in parts.
const SINGLE: usize = 16 << 20;

/// The forms in which a secret must not be seen.
fn forms() -> [String; 6] {
    let json = serde_json::to_string(SECRET).expect("text is JSON");
    [
        SECRET.to_owned(),
        STANDARD.encode(SECRET),
        STANDARD_NO_PAD.encode(SECRET),
        URL_SAFE_NO_PAD.encode(SECRET),
        utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
        json[1..json.len() - 1].to_owned(),
    ]
}

#[track_caller]
fn assert_has_none(content: &[u8]) {
    let text = String::from_utf8_lossy(content);
    for form in forms() {
        assert!(!text.contains(&form), "`{form}` is there");
    }
}

/// A run that knows the secret and stores a file of this content.
fn storing(store: &Store, content: &[u8]) -> Run {
    let run = store.run().env("SOME_API_KEY", SECRET);
    fs::write(run.path("it"), content).expect("the directory is ours");
    declaring(run, json!([{ "name": "it", "path": "it", "key": "it" }]))
}

#[test]
fn a_secret_in_a_text_is_replaced_in_every_form_and_the_file_stays_as_it_is() {
    for store in stores() {
        let mut text = String::new();
        for form in forms() {
            text += &format!("<{form}>\n");
        }
        let ended = storing(&store, text.as_bytes()).end();
        assert_ends("forms", &ended, &ends(0, "Completed", "Completed"));
        let stored = store.text("it");
        assert_has_none(stored.as_bytes());
        assert_eq!(
            stored.matches(&format!("<{MARK}")).count(),
            forms().len(),
            "{stored}"
        );
        let kept = fs::read_to_string(ended.dir.path().join("it")).expect("it is kept");
        assert_eq!(kept, text);
        assert_eq!(ended.status["redactions"]["SOME_API_KEY"], forms().len());
        // What is said of the object is said of what is stored.
        assert_eq!(uploads(&ended)["bytes"], stored.len());
        if let Store::S3(server) = &store {
            let object = server.object("it").expect("it is there");
            assert!(object.tells_its_content());
        }
    }
}

/// A text with the secret so often that wherever reading stops, it is in or beside one, and what is to be
/// stored.
fn straddling(form: &str, length: usize) -> (Vec<u8>, Vec<u8>) {
    let filler = b"All work and no play makes a dull text.\n";
    let (mut text, mut wanted) = (Vec::new(), Vec::new());
    let fill = |text: &mut Vec<u8>, wanted: &mut Vec<u8>, until: usize| {
        while text.len() < until {
            let rest = (until - text.len()).min(filler.len());
            text.extend_from_slice(&filler[..rest]);
            wanted.extend_from_slice(&filler[..rest]);
        }
    };
    // Reads and parts end at multiples of powers of two, or a little later: a prime number of bytes apart,
    // some lie across them.
    for place in (1..).map(|number| number * 251) {
        if place + form.len() > length {
            break;
        }
        fill(&mut text, &mut wanted, place);
        text.extend_from_slice(form.as_bytes());
        wanted.extend_from_slice(MARK.as_bytes());
    }
    fill(&mut text, &mut wanted, length);
    (text, wanted)
}

#[test]
fn a_secret_is_found_wherever_reading_has_cut_it() {
    for length in [SINGLE - (1 << 20), SINGLE + (9 << 20)] {
        for store in stores() {
            let (text, wanted) = straddling(SECRET, length);
            let ended = storing(&store, &text).end();
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            let stored = store.bytes("it");
            assert_has_none(&stored);
            assert!(stored == wanted, "{} bytes are not as wanted", stored.len());
            assert_eq!(
                ended.status["redactions"]["SOME_API_KEY"]
                    .as_u64()
                    .map(|count| count > 50),
                Some(true)
            );
        }
    }
}

#[test]
fn a_secret_in_base64_is_found_wherever_reading_has_cut_it() {
    let form = STANDARD.encode(SECRET);
    for store in stores() {
        let (text, _) = straddling(&form, SINGLE + (1 << 20));
        let count = String::from_utf8_lossy(&text).matches(&form).count();
        let ended = storing(&store, &text).end();
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let stored = store.text("it");
        assert_has_none(stored.as_bytes());
        assert_eq!(stored.matches(MARK).count(), count);
        // Each is replaced once, also where a file is read again.
        assert_eq!(ended.status["redactions"]["SOME_API_KEY"], count);
    }
}

#[test]
fn a_large_text_with_secrets_is_known_again_by_a_further_attempt() {
    for store in stores() {
        let (text, wanted) = straddling(SECRET, SINGLE + (9 << 20));
        for (stored, unchanged) in [(1, 0), (0, 1)] {
            let ended = storing(&store, &text).end();
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            let counts = uploads(&ended);
            assert_eq!(counts["objects"], stored, "{counts}");
            assert_eq!(counts["unchanged"], unchanged, "{counts}");
            assert!(store.bytes("it") == wanted);
        }
    }
}

/// Bytes that are no text, of this length, with the secret at the end.
fn binary(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length - SECRET.len()];
    bytes.extend_from_slice(SECRET.as_bytes());
    bytes
}

#[test]
fn a_secret_in_what_is_no_text_is_stored_with_a_warning() {
    for length in [1000, SINGLE + 1000] {
        for store in stores() {
            let bytes = binary(length);
            let ended = storing(&store, &bytes).end();
            assert_ends("binary", &ended, &ends(0, "Completed", "Completed"));
            assert!(store.bytes("it") == bytes, "it is stored as it is");
            let warnings = ended.full["warnings"].to_string();
            assert!(
                warnings.contains("SOME_API_KEY") && warnings.contains("redact.failClosed"),
                "{warnings}"
            );
            assert_eq!(outputs(&ended)[0]["url"], store.url("it"));
        }
    }
}

#[test]
fn a_secret_in_what_is_no_text_is_refused_if_told_so() {
    for length in [1000, SINGLE + 1000] {
        for store in stores() {
            let run = storing(&store, &binary(length)).setting("redact/failClosed", json!(true));
            let ended = run.end();
            assert_ends(
                "closed",
                &ended,
                &ends(73, "ArtifactFailed", "NotDelivered"),
            );
            let error = ended.error();
            assert!(error.contains("holds the secret SOME_API_KEY"), "{error}");
            assert_eq!(store.keys(), [""; 0]);
            assert_eq!(uploads(&ended)["refused"], 1);
            if let Store::S3(server) = &store {
                // Of a large one it was asked whether it is there.
                let heads = server.requests_for(S3Operation::Head).len();
                assert_eq!(server.requests().len(), heads, "not a byte of it was sent");
            }
        }
    }
}

#[test]
fn what_is_no_text_and_has_no_secret_is_stored_if_told_so_too() {
    for store in stores() {
        // A token by its shape alone, which by chance any bytes may have.
        let mut bytes = vec![0; 100];
        bytes.extend_from_slice(
            format!("gh{}_{}", "p", "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5").as_bytes(),
        );
        let ended = storing(&store, &bytes)
            .setting("redact/failClosed", json!(true))
            .end();
        assert_ends("closed", &ended, &ends(0, "Completed", "Completed"));
        assert_eq!(store.bytes("it"), bytes);
        assert_eq!(ended.status.get("warnings"), None);
    }
}

#[test]
fn secrets_are_replaced_in_every_file_of_a_tree_and_in_what_is_ours() {
    for store in stores() {
        let run = store.run().env("SOME_API_KEY", SECRET);
        let script = r#"mkdir t; say() { printf '%s %s\n' "$1" "$SOME_API_KEY"; }
            say a > t/a; say b > t/b; say out; say err >&2; exit 3"#;
        let ended = run
            .shell(script)
            .setting(
                "artifacts/include",
                json!(["log", "journal", "status", "manifest"]),
            )
            .setting("artifacts/files", json!([{ "name": "t", "path": "t" }]))
            .end();
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert_eq!(store.keys().len(), 6);
        for key in store.keys() {
            assert_has_none(&store.bytes(&key));
        }
        assert_eq!(store.text(&format!("{PREFIX}t/a")), format!("a {MARK}\n"));
        assert_eq!(
            store
                .text(&format!("{PREFIX}runner.log"))
                .matches(MARK)
                .count(),
            2
        );
    }
}

#[test]
fn a_secret_in_the_name_of_a_file_is_in_nothing_that_is_said() {
    const PLAIN: &str = "plain-secret-0123456789";
    for store in stores() {
        let run = store.run().env("SOME_API_KEY", PLAIN);
        let ended = run
            .shell("mkdir t; echo 1 > \"t/$SOME_API_KEY\"; : > \"t/large-$SOME_API_KEY\"; echo 123 > \"t/large-$SOME_API_KEY\"")
            .setting("artifacts/include", json!(["journal", "status", "manifest"]))
            .setting("artifacts/files", json!([{ "name": "t", "path": "t", "maxBytes": 2 }]))
            .end();
        assert_eq!(ended.outcome(), "ArtifactFailed", "{}", ended.stderr);
        assert_eq!(uploads(&ended)["refused"], 1);
        let said = [
            ("stderr", ended.stderr.clone()),
            (
                "status",
                String::from_utf8_lossy(&ended.status_bytes).into_owned(),
            ),
            ("full status", ended.full.to_string()),
            ("manifest", store.text(&format!("{PREFIX}manifest.json"))),
            ("journal", store.text(&format!("{PREFIX}events.ndjson"))),
            ("stored status", store.text(&format!("{PREFIX}status.json"))),
        ];
        for (place, text) in said {
            assert!(!text.contains(PLAIN), "it is in the {place}: {text}");
        }
        let manifest: Value = store.json(&format!("{PREFIX}manifest.json"));
        assert_eq!(manifest["version"], 1);
    }
}
