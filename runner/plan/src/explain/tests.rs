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

#[test]
fn artifacts_are_told_by_what_became_of_them() {
    let mut status = UploadsStatus {
        store: "s3://runs".to_owned(),
        ..UploadsStatus::default()
    };
    assert_eq!(uploads(&status), None);
    status.objects = 2;
    status.bytes = 1000;
    assert_eq!(
        uploads(&status).as_deref(),
        Some("artifacts in `s3://runs`: 2 stored (1000 bytes)")
    );
    status.unchanged = 1;
    status.missing = 3;
    status.refused = 4;
    status.failed = 5;
    status.pending = 6;
    status.problem = Some("artifact `a`: access denied".to_owned());
    status.manifest = Some("s3://runs/r/1/manifest.json".to_owned());
    assert_eq!(
        uploads(&status).as_deref(),
        Some(
            "artifacts in `s3://runs`: 2 stored (1000 bytes), 1 there already, 3 missing, 4 refused, \
             5 failed, 6 left for want of time: artifact `a`: access denied \
             (`s3://runs/r/1/manifest.json` lists them)"
        )
    );
    let nowhere = UploadsStatus {
        pending: 1,
        problem: Some("no object store is configured".to_owned()),
        ..UploadsStatus::default()
    };
    assert_eq!(
        uploads(&nowhere).as_deref(),
        Some("artifacts are not stored, 1 left for want of time: no object store is configured")
    );
}
