use super::*;
use std::fs;
use std::io::{Seek, Write};

use agent_plan::secret::{Found as Secret, Patterns};
use proptest::prelude::*;
use tempfile::tempfile;

const SECRET: &str = "hunter22-and-more";

fn redactor(patterns: Patterns) -> Redactor {
    let secret = |name: &str, value: &str| Secret {
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
    };
    let secrets = vec![secret("DOOR", SECRET), secret("CAT", "line one\nline two")];
    Redactor::new(secrets, patterns)
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile().expect("there is room");
    file.write_all(bytes).expect("there is room");
    file.rewind().expect("it is a file");
    file
}

/// Reads all of a file, in pieces of these sizes, the last again and again.
fn read(bytes: &[u8], redactor: &Redactor, sizes: &[usize]) -> (Vec<u8>, Content) {
    let size = bytes.len() as u64;
    let mut content = Content::new(file(bytes), size, redactor).expect("it is a file");
    let mut all = Vec::new();
    let mut sizes = sizes.iter().copied();
    let mut last = usize::MAX;
    loop {
        let mut piece = BytesMut::new();
        last = sizes.next().unwrap_or(last);
        content.fill(&mut piece, last).expect("it is a file");
        assert!(piece.len() <= last, "{} of {last}", piece.len());
        if piece.is_empty() {
            return (all, content);
        }
        all.extend_from_slice(&piece);
    }
}

#[test]
fn text_is_utf_8_without_a_nul() {
    let sample = SAMPLE;
    let mut cut = "x".repeat(sample - 1);
    cut.push('ü');
    for (bytes, expected) in [
        (&b""[..], Kind::Text),
        (b"plain", Kind::Text),
        ("\u{feff}ü\r\n\t\u{1b}[0m".as_bytes(), Kind::Text),
        (b"a\0b", Kind::Binary),
        (b"caf\xe9 au lait", Kind::Binary),
        (b"\xff\xfea\0", Kind::Binary),
        // Half a letter may be the end of a sample, and never its middle.
        (&cut.as_bytes()[..sample], Kind::Text),
        (b"\xc3 ", Kind::Binary),
    ] {
        assert_eq!(kind(bytes), expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn only_the_beginning_of_a_file_decides() {
    let none = Redactor::none();
    let sample = SAMPLE;
    for (at, expected) in [(sample - 1, Kind::Binary), (sample, Kind::Text)] {
        let mut bytes = vec![b'x'; sample + 10];
        bytes[at] = 0;
        let content = Content::new(file(&bytes), bytes.len() as u64, &none);
        assert_eq!(content.expect("it is a file").kind(), expected, "{at}");
    }
    let mut text = "x".repeat(sample - 1);
    text.push_str("ü and more");
    let content = Content::new(file(text.as_bytes()), text.len() as u64, &none);
    assert_eq!(content.expect("it is a file").kind(), Kind::Text);
}

#[test]
fn a_secret_is_replaced_where_two_reads_meet() {
    let redactor = redactor(Patterns::On);
    // Where reads end: the first has little room behind the sample.
    let first = SAMPLE + redactor.hold_max();
    for border in [SAMPLE, first, first + READ] {
        for before in (border - SECRET.len() - 1..=border).chain([border - redactor.hold_max()]) {
            let text = format!("{}{SECRET}{}", ".".repeat(before), ".".repeat(READ));
            let (all, content) = read(text.as_bytes(), &redactor, &[usize::MAX]);
            assert_eq!(
                all,
                redactor.text(&text).as_bytes(),
                "{before} bytes before"
            );
            let found = content.found();
            assert_eq!(found.replaced, BTreeMap::from([("DOOR".to_owned(), 1)]));
            assert_eq!(found.left, Vec::<String>::new());
        }
    }
}

#[test]
fn binary_is_given_out_as_it_is_and_only_exact_secrets_are_said_of_it() {
    let redactor = redactor(Patterns::On);
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    assert_ne!(redactor.text(&token), token, "it has the shape of a token");
    let first = SAMPLE + redactor.hold_max();
    for before in [3, SAMPLE - 5, first - 5, first + READ - 5] {
        let mut bytes = vec![b'.'; before];
        bytes[0] = 0;
        bytes.extend_from_slice(SECRET.as_bytes());
        bytes.extend_from_slice(format!(" {token} ").as_bytes());
        bytes.extend(std::iter::repeat_n(0xff, READ));
        let (all, content) = read(&bytes, &redactor, &[1000, 70_000]);
        assert!(all == bytes, "it is unchanged, {before} bytes before");
        let found = content.found();
        assert_eq!(found.left, ["DOOR"]);
        assert_eq!(found.replaced, BTreeMap::new());
    }
    let (_, content) = read(format!("\0 {token} ").as_bytes(), &redactor, &[usize::MAX]);
    assert_eq!(content.found().left, Vec::<String>::new());
}

#[test]
fn a_file_that_grows_is_read_as_far_as_it_was() {
    let none = Redactor::none();
    for size in [10, SAMPLE + 10] {
        let mut grown = file(&vec![b'a'; size]);
        let also = grown.try_clone().expect("it is open");
        let mut content = Content::new(also, size as u64, &none).expect("it is a file");
        // The offset is shared by both: back to where the reader was.
        let at = grown.stream_position().expect("it is a file");
        grown.seek(io::SeekFrom::End(0)).expect("it is a file");
        grown.write_all(&[b'b'; 1000]).expect("there is room");
        grown.seek(io::SeekFrom::Start(at)).expect("it is a file");
        let mut all = BytesMut::new();
        content.fill(&mut all, usize::MAX).expect("it is a file");
        assert_eq!(all.len(), size);
        assert!(!all.contains(&b'b'), "nothing of what was added");
    }
}

#[test]
fn a_file_that_shrinks_ends_where_it_ends_then() {
    let redactor = redactor(Patterns::On);
    let size = SAMPLE + 3 * READ;
    let shrunk = file(&vec![b'a'; size]);
    let also = shrunk.try_clone().expect("it is open");
    let mut content = Content::new(also, size as u64, &redactor).expect("it is a file");
    shrunk.set_len(SAMPLE as u64 + 10).expect("it is a file");
    let mut all = BytesMut::new();
    content.fill(&mut all, usize::MAX).expect("it is a file");
    assert_eq!(all.len(), SAMPLE + 10);
    content.fill(&mut all, usize::MAX).expect("it is a file");
    assert_eq!(all.len(), SAMPLE + 10, "the end stays the end");
}

#[test]
fn whoever_writes_to_a_file_is_noticed_even_if_the_same_is_there_again() {
    let file = tempfile::NamedTempFile::new().expect("there is room");
    fs::write(file.path(), "some text").expect("there is room");
    let open = || {
        let opened = fs::File::open(file.path()).expect("it is there");
        Content::new(opened, u64::MAX, &Redactor::none()).expect("it is a file")
    };
    let is_as_opened = |content: &Content| content.is_as_opened().expect("it is a file");
    assert!(!is_as_opened(&open()), "who knows what comes within a tick");
    std::thread::sleep(stamp::TICK * 2);
    let content = open();
    assert!(is_as_opened(&content));
    fs::write(file.path(), "some text").expect("there is room");
    assert!(!is_as_opened(&content));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let directory = tempfile::TempDir::new().expect("there is room");
    let opened = fs::File::open(directory.path()).expect("directories can be opened");
    assert!(Content::new(opened, 10, &Redactor::none()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_asked_for_at_once_the_text_is_that_of_the_redactor(
        parts in proptest::collection::vec(
            prop_oneof![
                Just(SECRET.to_owned()),
                Just(SECRET[..9].to_owned()),
                Just("line one\nline two".to_owned()),
                Just("ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6".to_owned()),
                Just("ü".repeat(37)),
                (0_usize..90_000).prop_map(|count| "x ".repeat(count)),
            ],
            0..12,
        ),
        sizes in proptest::collection::vec(1_usize..200_000, 1..6),
        on in any::<bool>(),
    ) {
        let redactor = redactor(if on { Patterns::On } else { Patterns::Off });
        let text = parts.concat();
        let (all, content) = read(text.as_bytes(), &redactor, &sizes);
        prop_assert_eq!(content.kind(), Kind::Text);
        prop_assert!(all == redactor.text(&text).as_bytes());
        let mut bytes = vec![0];
        bytes.extend_from_slice(text.as_bytes());
        let (all, content) = read(&bytes, &redactor, &sizes);
        prop_assert!(all == bytes);
        let left = content.found().left;
        prop_assert!(left.contains(&"DOOR".to_owned()) == text.contains(SECRET));
    }
}
