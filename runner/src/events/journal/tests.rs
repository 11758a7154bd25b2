use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::record::{Header, Line, Speaker};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A run that asks for a journal in a directory.
fn wanted(directory: &TempDir, uid: &str) -> Wanted {
    Wanted {
        is_asked: true,
        path: Some(directory.path().join("deep/events.ndjson")),
        is_published: true,
        asked: Asked {
            speaker: Speaker {
                run_uid: uid.to_owned(),
                agent_id: "claude".to_owned(),
                ..Speaker::default()
            },
            attempt: 1,
            is_told: false,
        },
    }
}

fn opened(wanted: &Wanted) -> Opened {
    open(wanted, || Err(io::Error::other("no scratch is wanted")))
}

fn journal_of(opened: &mut Opened) -> &mut Journal {
    opened.journal.as_mut().expect("there is a journal")
}

/// Adds records to a journal and closes it; returns its path.
fn with_records(mut opened: Opened, count: u64) -> PathBuf {
    let header = opened.header.clone();
    for seq in 1..=count {
        let event = Event::new(EventKind::Message, Role::Assistant, format!("é {seq}\n"));
        let record = header.record(seq, "2026-08-23T10:15:00.120Z".to_owned(), event);
        let mut line = serde_json::to_vec(&record).expect("a record has only string keys");
        line.push(b'\n');
        let appended = journal_of(&mut opened).append(&line);
        assert!(appended.problem.is_none(), "{appended:?}");
    }
    let path = journal_of(&mut opened).path.clone();
    drop(opened);
    path
}

/// Whether a stem is what is said and eight digits that nobody had.
fn is_stem(stem: &str, begin: &str) -> bool {
    let random = stem
        .strip_prefix(begin)
        .and_then(|end| end.strip_prefix('-'));
    random.is_some_and(|end| end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Where it is kept what is delivered.
fn acked(path: &Path) -> PathBuf {
    path.with_extension("ndjson.acked")
}

/// The lines of a journal: `header attempt` or `record seq`, or `?`.
fn lines(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).expect("the journal can be read");
    let say = |line: &[u8]| match Line::parse(line) {
        Some(Line::Header(header)) => format!("header {}", header.attempt),
        Some(Line::Record(record)) => format!("record {}", record.seq),
        None => "?".to_owned(),
    };
    let bytes = bytes
        .strip_suffix(b"\n")
        .expect("a journal ends with a line");
    bytes.split(|byte| *byte == b'\n').map(say).collect()
}

#[test]
fn a_new_journal_is_ours_alone_and_begins_with_the_header() {
    let directory = TempDir::new().expect("a directory can be made");
    let opened = opened(&wanted(&directory, "u"));
    assert_eq!((opened.problem.clone(), opened.found.left_over), (None, 0));
    assert!(is_stem(&opened.header.stem, "u-1"), "{:?}", opened.header);
    let path = with_records(opened, 2);
    let mode = fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(lines(&path), ["header 1", "record 1", "record 2"]);
}

#[test]
fn the_next_attempt_finds_what_is_left_and_takes_the_next_number() {
    let directory = TempDir::new().expect("a directory can be made");
    let path = with_records(opened(&wanted(&directory, "u")), 3);
    let line = fs::read(&path).expect("it is there");
    let newlines = line.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let second = newlines
        .map(|(at, _)| at as u64 + 1)
        .nth(2)
        .expect("it has four lines");
    for (acked, left_over) in [(0, 3), (second, 1), (second + 1, 3), (1 << 40, 3)] {
        fs::write(path.with_extension("ndjson.acked"), format!("{acked}\n"))
            .expect("it can be written");
        let opened = opened(&wanted(&directory, "u"));
        assert_eq!(opened.found.left_over, left_over, "{acked}");
        assert_eq!(opened.header.attempt, 2);
        assert!(is_stem(&opened.header.stem, "u-2"), "{:?}", opened.header);
        assert_eq!(
            opened.found.start.0,
            if left_over == 1 { second } else { 0 }
        );
        drop(opened);
        fs::write(&path, &line).expect("it can be written");
    }
}

#[test]
fn a_number_that_was_told_counts_unless_it_was_taken() {
    let directory = TempDir::new().expect("a directory can be made");
    with_records(opened(&wanted(&directory, "u")), 1);
    let told = |attempt| {
        let mut wanted = wanted(&directory, "u");
        wanted.asked.speaker.step_id = Some("pod/é".to_owned());
        (wanted.asked.attempt, wanted.asked.is_told) = (attempt, true);
        opened(&wanted).header
    };
    for (number, attempt) in [(7, 7), (7, 8), (3, 3)] {
        let header = told(number);
        assert_eq!(header.attempt, attempt);
        assert!(is_stem(&header.stem, &format!("u-{attempt}")), "{header:?}");
    }
    assert_eq!(opened(&wanted(&directory, "u")).header.attempt, 9);
    // There is always another behind it.
    assert_eq!(told(u32::MAX).attempt, u32::MAX - 1);
}

#[test]
fn whoever_has_the_same_number_has_other_ids() {
    let mut stems = std::collections::HashSet::new();
    for is_told in [false, true] {
        for _ in 0..4 {
            // Another pod, or one whose journal is gone.
            let directory = TempDir::new().expect("a directory can be made");
            let mut wanted = wanted(&directory, "u");
            wanted.asked.is_told = is_told;
            wanted.asked.speaker.step_id = Some("step".to_owned());
            let header = opened(&wanted).header;
            assert_eq!(header.attempt, 1);
            stems.insert(header.stem);
        }
    }
    assert_eq!(stems.len(), 8);
}

#[test]
fn the_journal_of_another_run_is_replaced_when_nothing_in_it_is_owed() {
    for (was_published, is_delivered) in [(false, false), (true, true)] {
        for is_published in [false, true] {
            let directory = TempDir::new().expect("a directory can be made");
            let mut first = wanted(&directory, "u");
            first.is_published = was_published;
            let path = with_records(opened(&first), 2);
            assert_eq!(acked(&path).exists(), was_published);
            if is_delivered {
                let length = fs::metadata(&path).expect("it is there").len();
                fs::write(acked(&path), format!("{length}\n")).expect("it can be written");
            }
            let mut other = wanted(&directory, "v");
            other.is_published = is_published;
            let opened = opened(&other);
            assert_eq!(opened.problem, None);
            assert_eq!(opened.found.left_over, 0);
            with_records(opened, 1);
            assert_eq!(lines(&path), ["header 1", "record 1"]);
            // What it says is owed if it is published, and all of it is.
            assert_eq!(acked(&path).exists(), is_published);
            let stored = fs::read_to_string(acked(&path)).unwrap_or_default();
            assert_eq!(stored.trim().parse().unwrap_or(0), 0_u64);
        }
    }
}

#[test]
fn what_another_run_owes_is_kept_though_this_one_is_not_published() {
    for is_published in [false, true] {
        let directory = TempDir::new().expect("a directory can be made");
        let path = with_records(opened(&wanted(&directory, "u")), 2);
        let mut other = wanted(&directory, "v");
        other.is_published = is_published;
        let opened = opened(&other);
        let left_over = if is_published { 2 } else { 0 };
        assert_eq!(opened.found.left_over, left_over);
        with_records(opened, 1);
        let expected = ["header 1", "record 1", "record 2", "header 1", "record 1"];
        assert_eq!(lines(&path), expected);
        assert!(acked(&path).exists());
    }
}

#[test]
fn the_same_run_publishes_what_it_did_not_want_published_before() {
    let directory = TempDir::new().expect("a directory can be made");
    let mut first = wanted(&directory, "u");
    first.is_published = false;
    let path = with_records(opened(&first), 2);
    assert_eq!(opened(&first).found.left_over, 0);
    assert!(!acked(&path).exists());
    assert_eq!(opened(&wanted(&directory, "u")).found.left_over, 2);
    assert!(acked(&path).exists());
}

#[test]
fn what_does_not_begin_as_a_journal_is_left_as_it_is() {
    let scratch = TempDir::new().expect("a directory can be made");
    let of_ours: [&[u8]; 5] = [
        b"",
        b"{\"jour",
        b"{\"jo\0\0",
        b"\0\0\0",
        b"{\"journal\":1,\"att",
    ];
    let of_others: [&[u8]; 4] = [b"# Notes\n", b"{\"kind\":1}\n", b"x", b"\0\0data"];
    let all = of_ours.map(|bytes| (bytes, true));
    for (bytes, is_ours) in all.into_iter().chain(of_others.map(|bytes| (bytes, false))) {
        let directory = TempDir::new().expect("a directory can be made");
        let mut wanted = wanted(&directory, "u");
        let path = directory.path().join("file");
        fs::write(&path, bytes).expect("it can be written");
        wanted.path = Some(path.clone());
        let place = scratch.path().to_owned();
        let mut opened = open(&wanted, move || Ok(place));
        let is_used = journal_of(&mut opened).path().is_some();
        assert_eq!(is_used, is_ours, "{bytes:?}");
        assert_eq!(opened.problem.is_none(), is_ours, "{:?}", opened.problem);
        let is_untouched = fs::read(&path).expect("it is there") == bytes;
        assert_eq!(is_untouched, !is_ours);
        assert_eq!(directory.path().join("file.acked").exists(), is_ours);
    }
}

#[test]
fn what_somebody_else_appended_is_published_by_nobody() {
    let directory = TempDir::new().expect("a directory can be made");
    let path = with_records(opened(&wanted(&directory, "u")), 2);
    let text = fs::read_to_string(&path).expect("it is there");
    let (header, known) = (text.lines().next(), text.lines().next_back());
    let (header, known) = (header.expect("it has lines"), known.expect("it has lines"));
    let foreign = known.replace("u-1-", "v-1-");
    let renumbered = known.replace("\"seq\":2", "\"seq\":3");
    let last = header.replace("\"attempt\":1", "\"attempt\":4294967295");
    assert!(foreign != known && renumbered != known && last != header);
    fs::write(
        &path,
        format!("{text}{foreign}\n{renumbered}\n{last}\n{known}\n"),
    )
    .expect("it can be written");
    let mut opened = opened(&wanted(&directory, "u"));
    assert_eq!((opened.header.attempt, opened.found.left_over), (2, 3));
    let problem = opened.problem.clone().expect("a problem is said");
    assert!(problem.starts_with("3 lines"), "{problem}");
    // Nor what is behind our last line when we end.
    let length = fs::metadata(&path).expect("it is there").len();
    let mut file = File::options()
        .append(true)
        .open(&path)
        .expect("it is there");
    std::io::Write::write_all(&mut file, known.as_bytes()).expect("it can be written");
    opened.journal.take().expect("it is there").close();
    assert_eq!(fs::metadata(&path).expect("it is there").len(), length);
}

#[test]
fn a_made_up_uid_is_nobody_elses() {
    let directory = TempDir::new().expect("a directory can be made");
    let uid = made_up_uid();
    assert_ne!(uid, made_up_uid());
    with_records(opened(&wanted(&directory, &uid)), 1);
    let opened = opened(&wanted(&directory, &uid));
    assert_eq!((opened.header.attempt, opened.found.left_over), (1, 1));
}

#[test]
fn what_is_no_journal_has_a_private_one_in_its_place_with_ids_of_its_own() {
    let mut stems = Vec::new();
    for hostile in ["link", "fifo", "directory", "device", "busy"] {
        let directory = TempDir::new().expect("a directory can be made");
        let scratch = TempDir::new().expect("a directory can be made");
        let mut wanted = wanted(&directory, "u");
        let path = directory.path().join("journal");
        wanted.path = Some(path.clone());
        let mut held = None;
        match hostile {
            "link" => symlink(scratch.path().join("elsewhere"), &path).expect("a link can be made"),
            "fifo" => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU)
                .expect("a FIFO can be made"),
            "directory" => fs::create_dir(&path).expect("a directory can be made"),
            "device" => wanted.path = Some("/dev/null".into()),
            _ => {
                let file = fs::File::create(&path).expect("a file can be made");
                file.lock().expect("nobody else has it");
                held = Some(file);
            }
        }
        let place = scratch.path().to_owned();
        let mut opened = open(&wanted, move || Ok(place));
        drop(held);
        let problem = opened.problem.clone().expect("a problem is said");
        assert!(problem.contains("cannot be used"), "{hostile}: {problem}");
        let journal = journal_of(&mut opened);
        assert!(journal.append(b"{}\n").problem.is_none());
        assert_eq!(journal.path(), None, "{hostile}");
        assert!(journal.path.starts_with(scratch.path()), "{hostile}");
        assert!(!scratch.path().join("elsewhere").exists());
        opened.journal.take().expect("it is there").close();
        assert_eq!(
            fs::read_dir(scratch.path()).expect("it is there").count(),
            0
        );
        stems.push(opened.header.stem);
    }
    stems.dedup();
    assert_eq!(stems.len(), 5);
}

#[test]
fn without_any_disk_there_is_the_memory() {
    let directory = TempDir::new().expect("a directory can be made");
    let mut wanted = wanted(&directory, "u");
    wanted.path = Some("/proc/no/journal".into());
    let opened = open(&wanted, || Err(io::Error::other("nor here")));
    assert!(opened.journal.is_none());
    let problem = opened.problem.expect("a problem is said");
    assert!(
        problem.contains("/proc/no/journal") && problem.contains("nor here"),
        "{problem}"
    );
}

#[test]
fn lines_that_nobody_knows_are_passed_over_and_counted() {
    let directory = TempDir::new().expect("a directory can be made");
    let path = with_records(opened(&wanted(&directory, "u")), 2);
    let text = fs::read_to_string(&path).expect("it is there");
    let known = text.lines().next_back().expect("it has lines");
    let text = format!(
        "{text}garbage\n{{\"kind\":\"of-tomorrow\"}}\n{known}\n{{\"kind\":\"of-tomorrow\"}}\n"
    );
    fs::write(&path, text).expect("it can be written");
    let opened = opened(&wanted(&directory, "u"));
    assert_eq!(opened.found.left_over, 3);
    let problem = opened.problem.clone().expect("a problem is said");
    assert!(problem.starts_with("3 lines"), "{problem}");
    drop(opened);
    let expected = [
        "header 1", "record 1", "record 2", "?", "?", "record 2", "?", "header 2",
    ];
    assert_eq!(lines(&path), expected);
}

#[test]
fn a_journal_that_lost_its_name_says_so() {
    let directory = TempDir::new().expect("a directory can be made");
    let mut opened = opened(&wanted(&directory, "u"));
    let journal = journal_of(&mut opened);
    assert!(!journal.is_gone());
    fs::remove_file(&journal.path).expect("it is there");
    assert!(journal.is_gone());
}

#[test]
fn a_stem_has_a_bound_and_keeps_its_end() {
    let asked = Asked {
        speaker: Speaker {
            run_uid: "ü".repeat(1000),
            ..Speaker::default()
        },
        attempt: 12,
        is_told: false,
    };
    let header: Header = asked.header(std::iter::empty());
    assert_eq!(header.stem.len(), 200);
    assert!(
        is_stem(&header.stem, &format!("{}-12", "-".repeat(188))),
        "{}",
        header.stem
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_crash_tears_the_whole_lines_stay(
        kept in 1..4_u64,
        cut in any::<prop::sample::Index>(),
        nuls in prop_oneof![Just(0_usize), 1..5000_usize],
        newline in any::<bool>(),
    ) {
        let directory = TempDir::new().expect("a directory can be made");
        let path = with_records(opened(&wanted(&directory, "u")), kept + 1);
        let mut bytes = fs::read(&path).expect("it is there");
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let ends = ends.map(|(at, _)| at + 1).collect::<Vec<_>>();
        let (before, end) = (ends[ends.len() - 2], ends[ends.len() - 1]);
        // Every length of the last line without its newline is a torn one.
        let length = cut.index(end - before);
        bytes.truncate(before + length);
        bytes.extend(std::iter::repeat_n(0, nuls));
        let is_torn_again = newline && nuls > 0;
        if is_torn_again {
            bytes.push(b'\n');
        }
        fs::write(&path, &bytes).expect("it can be written");
        let opened = opened(&wanted(&directory, "u"));
        prop_assert_eq!(opened.found.left_over, kept);
        prop_assert_eq!(opened.found.length, before as u64);
        with_records(opened, 1);
        let mut expected = vec!["header 1".to_owned()];
        expected.extend((1..=kept).map(|seq| format!("record {seq}")));
        expected.extend(["header 2".to_owned(), "record 1".to_owned()]);
        prop_assert_eq!(lines(&path), expected);
    }
}
