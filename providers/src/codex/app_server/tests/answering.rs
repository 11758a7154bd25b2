//! Every request of the server is answered, with its own id; nothing is granted.

use super::*;

fn answer(method: &str) -> Value {
    let mut talk = Talk::in_turn(&plan());
    let actions = talk.hears(&json!({"id": "r-7", "method": method, "params": {"threadId": "t1"}}));
    let mut answers = written(&actions);
    assert_eq!(answers.len(), 1, "{method}");
    let mut answer = answers.remove(0);
    assert_eq!(answer["id"], "r-7", "{method}");
    answer
        .as_object_mut()
        .expect("an answer is an object")
        .remove("id");
    answer
}

#[test]
fn every_known_request_is_answered_as_the_contract_says() {
    let table = [
        (
            "item/commandExecution/requestApproval",
            json!({"decision": "decline"}),
        ),
        (
            "item/fileChange/requestApproval",
            json!({"decision": "decline"}),
        ),
        ("execCommandApproval", json!({"decision": "denied"})),
        ("applyPatchApproval", json!({"decision": "denied"})),
        ("item/tool/requestUserInput", json!({"answers": {}})),
        (
            "item/tool/call",
            json!({"contentItems": [], "success": false}),
        ),
        (
            "mcpServer/elicitation/request",
            json!({"action": "decline", "content": null, "_meta": null}),
        ),
        (
            "item/permissions/requestApproval",
            json!({"permissions": {}, "scope": "turn"}),
        ),
        ("currentTime/read", json!({"currentTimeAt": 1_795_231_345})),
    ];
    for (method, result) in table {
        assert_eq!(answer(method), json!({"result": result}), "{method}");
    }
}

#[test]
fn what_needs_a_person_is_an_error() {
    for method in ["account/chatgptAuthTokens/refresh", "attestation/generate"] {
        assert_eq!(answer(method)["error"]["code"], -32000, "{method}");
    }
}

#[test]
fn a_request_that_nobody_knows_is_refused_and_named() {
    let mut talk = Talk::in_turn(&plan());
    let actions = talk.hears(&json!({"id": 0, "method": "item/teleport", "params": {}}));
    let answer = &written(&actions)[0];
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(0), &json!(-32601))
    );
    let report = talk.session.report();
    assert_eq!(report.unknown_events, 1);
    assert!(report.warnings[0].contains("item/teleport"));
}

#[test]
fn without_any_notification_the_time_is_not_known() {
    let mut talk = Talk::new(&plan());
    let actions = talk.hears(&json!({"id": 5, "method": "currentTime/read", "params": {}}));
    assert_eq!(written(&actions)[0]["error"]["code"], -32000);
}

#[test]
fn after_the_end_of_stdin_nothing_is_written() {
    let mut talk = Talk::in_turn(&plan());
    talk.turn_ends("u1", "failed");
    let actions = talk.hears(&json!({"id": 5, "method": "item/tool/call", "params": {}}));
    assert_eq!(written(&actions), Vec::<Value>::new());
}

#[test]
fn the_time_is_that_of_the_last_message_that_tells_one() {
    let turn =
        |turn: Value| json!({"method": "turn/started", "params": {"threadId": "t1", "turn": turn}});
    let item = json!({"item": {}, "threadId": "t1", "completedAtMs": 1_795_231_347_448_u64});
    let ask = json!({"id": 5, "method": "currentTime/read", "params": {}});
    let mut dated = ask.clone();
    dated["emittedAtMs"] = json!(1_795_231_349_000_u64);
    let mut talk = Talk::new(&plan());
    for (before, ask, seconds) in [
        (
            turn(json!({"id": "u1", "startedAt": 1_795_231_345})),
            &ask,
            1_795_231_345_u64,
        ),
        (
            json!({"method": "item/completed", "params": item}),
            &ask,
            1_795_231_347,
        ),
        (
            turn(json!({"id": "u1", "startedAt": u64::MAX})),
            &dated,
            1_795_231_349,
        ),
    ] {
        talk.hears(&before);
        let actions = talk.hears(ask);
        assert_eq!(written(&actions)[0]["result"]["currentTimeAt"], seconds);
    }
}
