use super::*;

#[test]
fn a_checkout_is_told_as_far_as_it_is_known() {
    let mut git = GitStatus {
        url: "https://h/a".to_owned(),
        ..GitStatus::default()
    };
    assert_eq!(checkout(&git), "`https://h/a`");
    git.commit = Some("c0ffee".to_owned());
    git.ahead = Some(0);
    assert_eq!(
        checkout(&git),
        "`https://h/a` was left at c0ffee on no branch"
    );
    git.branch = Some("main".to_owned());
    git.ahead = Some(2);
    git.dirty = Some(true);
    git.quarantined = vec![".mcp.json".to_owned()];
    git.error = Some("the patch was not saved".to_owned());
    assert_eq!(
        checkout(&git),
        "`https://h/a` was left at c0ffee on main, 2 commit(s) ahead, with uncommitted changes, 1 file(s) quarantined; the patch was not saved"
    );
}

#[test]
fn events_that_others_have_not_got_are_told_with_what_to_do() {
    let mut status = EventsStatus {
        emitted: 12,
        acknowledged: 12,
        journal: Some("/w/events.ndjson".to_owned()),
        ..EventsStatus::default()
    };
    assert_eq!(events(&status), None);
    status.problem = Some("the journal cannot be used".to_owned());
    assert_eq!(
        events(&status).as_deref(),
        Some("events: the journal cannot be used")
    );
    status.pending = 3;
    status.dropped = 4;
    status.problem = Some("nats:4222: connection refused".to_owned());
    assert_eq!(
        events(&status).as_deref(),
        Some(
            "events: 3 not published, 4 dropped for want of room: nats:4222: connection refused \
             (`agent-runner replay --publish /w/events.ndjson` publishes them again)"
        )
    );
}
