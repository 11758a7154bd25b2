use super::*;
use agent_plan::settings::When;

fn delivery(name: &str, declared: Option<usize>, optional: bool) -> Delivery {
    Delivery {
        declared,
        name: name.to_owned(),
        path: Some(format!("/w/{name}").into()),
        key: Ok(format!("runs/{name}")),
        is_tree: false,
        when: When::Always,
        optional,
        max_bytes: None,
        content_type: None,
        exclude: Vec::new(),
    }
}

/// Books of one artifact whose files had these fates, each with its words.
fn books(fates: &[Fate]) -> Books {
    let mut books = Books::default();
    list(&mut books, delivery("report", None, false), fates);
    books
}

/// Enters an artifact and its files.
fn list(books: &mut Books, delivery: Delivery, fates: &[Fate]) {
    let name = delivery.name.clone();
    let index = books.enter(delivery);
    books.entries[index].problem = None;
    books.entries[index].url = format!("s3://bucket/runs/{name}");
    for &result in fates {
        let object = books.objects.len();
        books.entries[index].objects.push(object);
        books.objects.push(Object {
            artifact: name.clone(),
            path: format!("/w/{name}"),
            key: format!("runs/{name}"),
            url: format!("s3://bucket/runs/{name}"),
            size: 10,
            sha256: Some("ab".repeat(32)),
            etag: None,
            content_type: None,
            result,
            error: (!result.is_there()).then(|| format!("{result:?}")),
        });
    }
}

fn fate(fates: &[Fate]) -> (Fate, Option<String>) {
    let books = books(fates);
    books.entries[0].fate(&books.objects)
}

fn output(name: &str, key: Option<&str>, url: Option<&str>) -> OutputArtifact {
    OutputArtifact {
        name: name.to_owned(),
        path: Some(format!("{name}.txt")),
        key: key.map(str::to_owned),
        url: url.map(str::to_owned),
    }
}

#[test]
fn an_artifact_has_the_worst_fate_of_its_files_and_its_words() {
    use Fate::{Failed, Missing, Pending, Refused, Stored, Unchanged};
    for (fates, expected) in [
        (&[][..], Stored),
        (&[Unchanged, Unchanged], Unchanged),
        (&[Unchanged, Stored, Unchanged], Stored),
        (&[Stored, Missing], Missing),
        (&[Missing, Refused, Stored], Refused),
        (&[Refused, Pending], Pending),
        (&[Stored, Failed, Pending, Refused], Failed),
    ] {
        let (fate, why) = fate(fates);
        assert_eq!(fate, expected, "{fates:?}");
        let words = (!fate.is_there()).then(|| format!("{expected:?}"));
        assert_eq!(why, words, "{fates:?}");
    }
}

#[test]
fn of_two_that_are_as_bad_the_first_is_told() {
    let mut books = books(&[Fate::Failed, Fate::Failed]);
    books.objects[0].error = Some("the first".to_owned());
    assert_eq!(
        books.undelivered().as_deref(),
        Some("artifact `report`: the first")
    );
}

#[test]
fn what_is_wrong_with_an_artifact_counts_as_much_as_its_files() {
    let mut books = books(&[Fate::Stored, Fate::Refused]);
    books.entries[0].problem = Some((Fate::Failed, "`b` cannot be read".to_owned()));
    let fate = books.entries[0].fate(&books.objects);
    assert_eq!(fate, (Fate::Failed, Some("`b` cannot be read".to_owned())));
    books.entries[0].problem = Some((Fate::Missing, "gone".to_owned()));
    assert_eq!(books.entries[0].fate(&books.objects).0, Fate::Refused);
}

#[test]
fn what_was_not_even_looked_for_is_not_stored() {
    let mut books = Books::default();
    books.enter(delivery("report", Some(0), false));
    let (fate, _) = books.entries[0].fate(&books.objects);
    assert_eq!(fate, Fate::Pending);
    let words = format!("artifact `report`: {NOT_REACHED}");
    assert_eq!(books.undelivered(), Some(words));
    assert_eq!(books.status(String::new()).pending, 1);
    let declared = [output("report", Some("runs/report/"), None)];
    assert_eq!(books.outputs(&declared), declared);
    let event = &books.events()[0];
    assert_eq!(event.attrs["result"], "pending");
    assert!(!event.attrs.contains_key("url"));
    assert!(event.content.contains("is not stored"), "{}", event.content);
}

#[test]
fn declared_artifacts_keep_their_place_and_what_has_no_key_every_byte() {
    let declared = [
        output("log", None, Some("https://ci/log")),
        output("second", Some(" runs // second "), None),
        output("first", Some("runs/first"), Some("old")),
        output("lost", Some("runs//lost"), None),
    ];
    let mut books = Books::default();
    list(
        &mut books,
        delivery("first", Some(2), false),
        &[Fate::Unchanged],
    );
    list(
        &mut books,
        delivery("second", Some(1), false),
        &[Fate::Stored],
    );
    list(
        &mut books,
        delivery("lost", Some(3), false),
        &[Fate::Failed],
    );
    list(&mut books, delivery("extra", None, false), &[Fate::Stored]);
    list(&mut books, delivery("gone", None, true), &[Fate::Missing]);
    let own = ["manifest.json", "runs/m", "s3://bucket/runs/m"].map(str::to_owned);
    let [name, key, url] = own;
    books.own.push((name, key, url));
    let outputs = books.outputs(&declared);
    assert_eq!(outputs[0], declared[0]);
    let stored = |name: &str| {
        let url = format!("s3://bucket/runs/{name}");
        output(name, Some(&format!("runs/{name}")), Some(&url))
    };
    assert_eq!(outputs[1..3], [stored("second"), stored("first")]);
    assert_eq!(outputs[3], declared[3], "it is shown as it was declared");
    let extra = OutputArtifact {
        path: Some("/w/extra".to_owned()),
        ..stored("extra")
    };
    assert_eq!(outputs[4], extra);
    assert_eq!(outputs[5].name, "manifest.json");
    assert_eq!(outputs[5].url.as_deref(), Some("s3://bucket/runs/m"));
    assert_eq!(outputs.len(), 6);
}

#[test]
fn a_run_does_not_fail_of_what_it_may_do_without() {
    use Fate::{Failed, Missing, Refused};
    let mut books = Books::default();
    for (name, fate) in [("a", Missing), ("b", Failed), ("c", Refused)] {
        list(&mut books, delivery(name, None, true), &[fate]);
    }
    assert_eq!(books.undelivered(), None);
    // That it is not there is what optional means; that it could not be stored is a problem.
    let problem = books.status(String::new()).problem;
    assert_eq!(
        problem.as_deref(),
        Some("artifact `b`: Failed (and 1 more)")
    );
    list(&mut books, delivery("d", None, false), &[Missing]);
    assert_eq!(
        books.undelivered().as_deref(),
        Some("artifact `d`: Missing")
    );
}

#[test]
fn files_are_counted_by_fate_and_bytes_only_of_what_this_attempt_stored() {
    use Fate::{Failed, Missing, Pending, Refused, Stored, Unchanged};
    let fates = [
        Stored, Stored, Stored, Unchanged, Unchanged, Missing, Refused, Pending, Failed, Failed,
    ];
    let mut books = books(&fates);
    books.entries[0].problem = Some((Refused, "its name is not UTF-8".to_owned()));
    let key = ["manifest.json", "m", "s3://bucket/m"].map(str::to_owned);
    let [name, key, url] = key;
    books.own.push((name, key, url));
    let status = books.status("s3://bucket".to_owned());
    let expected = UploadsStatus {
        store: "s3://bucket".to_owned(),
        objects: 3,
        unchanged: 2,
        bytes: 30,
        missing: 1,
        refused: 2,
        failed: 2,
        pending: 1,
        manifest: Some("s3://bucket/m".to_owned()),
        problem: Some("artifact `report`: Failed".to_owned()),
    };
    assert_eq!(status, expected);
}

#[test]
fn once_nothing_can_be_stored_what_is_pending_has_failed_of_the_same() {
    let mut books = books(&[Fate::Stored, Fate::Failed, Fate::Pending, Fate::Pending]);
    books.objects[2].error = None;
    books.give_general();
    assert_eq!(
        books.objects[2].result,
        Fate::Pending,
        "there is no reason yet"
    );
    books.general = Some("no such bucket".to_owned());
    books.give_general();
    let after: Vec<_> = books
        .objects
        .iter()
        .map(|object| (object.result, object.error.as_deref()))
        .collect();
    let expected = [
        (Fate::Stored, None),
        (Fate::Failed, Some("Failed")),
        (Fate::Failed, Some("no such bucket")),
        // This one was on its way, and says itself why it did not arrive.
        (Fate::Pending, Some("Pending")),
    ];
    assert_eq!(after, expected);
}

#[test]
fn an_event_says_where_an_artifact_is_or_why_it_is_nowhere() {
    let mut books = books(&[Fate::Stored]);
    list(
        &mut books,
        delivery("tree", None, false),
        &[Fate::Stored, Fate::Failed],
    );
    let events = books.events();
    assert_eq!(
        events[0].content,
        "Artifact report is stored at s3://bucket/runs/report"
    );
    let attrs = json!({
        "name": "report", "key": "runs/report", "url": "s3://bucket/runs/report",
        "result": "stored", "objects": 1, "bytes": 10, "sha256": "ab".repeat(32),
    });
    assert_eq!(json!(events[0].attrs), attrs);
    assert_eq!(events[1].content, "Artifact tree is not stored: Failed");
    let attrs = json!({
        "name": "tree", "key": "runs/tree", "result": "failed", "objects": 1, "bytes": 10,
    });
    assert_eq!(json!(events[1].attrs), attrs);
}
