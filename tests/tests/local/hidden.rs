//! What a Secret gave to a local run is shown to nobody, whatever it is called.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::bench::{Bench, Ended, world};

const SECRET: &str = "correct-horse-battery";

fn secret(name: &str, values: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values })
}

/// A shell with the Secret `keys` in `/mnt/keys`.
fn mounting(script: &str, values: &Value) -> Vec<Value> {
    let mut all = world(script);
    all[2]["spec"]["workload"] = json!({ "volumes": [{ "name": "keys", "type": "secret", "secretName": "keys", "mountPath": "/mnt/keys" }] });
    all.push(secret("keys", values));
    all
}

#[track_caller]
fn assert_hidden(bench: &Bench, ended: &Ended, workspace: &str) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("[REDACTED:"), "{}", ended.stdout);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert_eq!(bench.holding(workspace, SECRET), Vec::<PathBuf>::new());
}

#[test]
fn a_secret_in_a_variable_with_a_harmless_name_is_hidden() {
    let bench = Bench::new();
    let mut all = world("echo $MODE; echo $MODE >&2");
    all[0]["spec"]["secretEnv"] = json!([{ "name": "MODE", "secretName": "a", "key": "x" }]);
    all.push(secret("a", &json!({ "x": SECRET })));
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    assert_hidden(&bench, &ended, "here");
}

#[test]
fn a_secret_in_a_variable_is_hidden_with_the_names_of_the_author() {
    let bench = Bench::new();
    let mut all = world("echo $MODE; echo $PLACE");
    all[0]["spec"]["secretEnv"] = json!([{ "name": "MODE", "secretName": "a", "key": "x" }]);
    all[0]["spec"]["envTemplate"] = json!({ "PLACE": "behind-the-moon" });
    all[0]["spec"]["adapter"]["runner"] = json!({ "redact": { "names": ["PLACE"] } });
    all.push(secret("a", &json!({ "x": SECRET })));
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    assert_hidden(&bench, &ended, "here");
    let place = "[REDACTED:PLACE]";
    assert!(ended.stdout.contains(place), "{}", ended.stdout);
}

#[test]
fn a_secret_in_a_file_is_hidden_wherever_that_is() {
    for (key, workspace) in [("key", "x,y"), ("a,b", "here")] {
        let bench = Bench::new();
        bench.apply(&mounting("cat /mnt/keys/*", &json!({ key: SECRET })));
        let ended = bench.local(["manifests.json", "--workspace", workspace]);
        assert_hidden(&bench, &ended, workspace);
    }
}

#[test]
fn what_the_author_wants_hidden_is_hidden_beside_a_secret() {
    let bench = Bench::new();
    let other = "what-the-author-hides";
    let mut all = mounting(
        "cat /workspace/other /mnt/keys/key",
        &json!({ "key": SECRET }),
    );
    all[0]["spec"]["envTemplate"] = json!({ "AGENT_RUNNER_REDACT_FILES": "/workspace/other" });
    all[0]["spec"]["inputFiles"] = json!([{ "path": "/workspace/other", "content": other }]);
    bench.apply(&all);
    let ended = bench.local(["manifests.json", "--workspace", "here"]);
    assert_hidden(&bench, &ended, "here");
    assert!(!ended.stdout.contains(other), "{}", ended.stdout);
}
