use super::*;

fn served(requests: &[Value], artifact: Option<&Path>) -> Vec<Value> {
    let mut input = String::from("not json\n{\"method\":\"initialized\"}\n");
    for request in requests {
        input.push_str(&format!("{request}\n"));
    }
    let mut output = Vec::new();
    serve(input.as_bytes(), &mut output, artifact).expect("nothing can fail");
    let output = String::from_utf8(output).expect("JSON is UTF-8");
    let message = |line| serde_json::from_str(line).expect("every line is a message");
    output.lines().map(message).collect()
}

#[test]
fn it_is_known_by_its_name() {
    let path = format!("/usr/local/bin/{NAME}");
    assert!(is_named(OsStr::new(&path)));
    assert!(!is_named(OsStr::new("/usr/local/bin/agent-runner")));
}

#[test]
fn a_turn_says_ok_and_leaves_the_artifact() {
    let dir = tempfile::tempdir().expect("a directory");
    let artifact = dir.path().join("out/artifact.txt");
    let request = |id: u64, method: &str, params: Value| json!({"id": id, "method": method, "params": params});
    let messages = served(
        &[
            request(1, "initialize", json!({})),
            request(2, "thread/resume", json!({"threadId": "t9", "model": "m"})),
            request(3, "thread/goal/set", json!({"threadId": "t9"})),
            request(4, "turn/start", json!({"threadId": "t9"})),
            request(
                5,
                "turn/interrupt",
                json!({"threadId": "t9", "turnId": "turn-1"}),
            ),
        ],
        Some(&artifact),
    );

    let answers: Vec<_> = messages
        .iter()
        .filter_map(|message| message["id"].as_u64())
        .collect();
    assert_eq!(answers, [1, 2, 3, 4, 5]);
    assert_eq!(messages[1]["result"]["thread"]["id"], "t9");
    assert_eq!(messages[3]["result"]["turn"]["id"], "turn-1");
    let told: Vec<_> = messages
        .iter()
        .filter_map(|message| message["method"].as_str())
        .collect();
    let expected = [
        "thread/status/changed",
        "turn/started",
        "item/started",
        "item/agentMessage/delta",
        "item/completed",
        "turn/completed",
        "thread/status/changed",
    ];
    assert_eq!(told, expected);
    let delta = messages
        .iter()
        .find(|message| message["method"] == "item/agentMessage/delta");
    assert_eq!(delta.expect("there is one")["params"]["delta"], "OK");
    assert_eq!(
        fs::read_to_string(artifact).expect("it was written"),
        "OK\n"
    );
}

#[test]
fn an_unknown_request_is_refused_with_its_id() {
    let messages = served(&[json!({"id": "x", "method": "no/such"})], None);
    assert_eq!(messages[0]["id"], "x");
    assert_eq!(messages[0]["error"]["code"], METHOD_NOT_FOUND);
}
