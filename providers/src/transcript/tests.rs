use agent_plan::event::Role;

use super::*;

fn said(kind: EventKind, content: &str) -> Event {
    Event::new(kind, Role::Assistant, content)
}

/// What stands on stdout and on stderr after these events.
fn shown(transcript: &mut Transcript, events: &[Event]) -> (String, String) {
    let mut streams = (String::new(), String::new());
    for shown in events.iter().flat_map(|event| transcript.show(event)) {
        match shown.stream {
            Stream::Stdout => streams.0.push_str(&shown.text),
            Stream::Stderr => streams.1.push_str(&shown.text),
        }
    }
    streams
}

fn stdout(events: &[Event]) -> String {
    shown(&mut Transcript::new(false), events).0
}

fn piece(text: &str) -> Event {
    said(EventKind::MessageDelta, text)
}

fn whole(text: &str) -> Event {
    said(EventKind::Message, text)
}

fn tool(title: &str) -> Tool {
    Tool {
        id: "1".to_owned(),
        name: "Bash".to_owned(),
        title: title.to_owned(),
        ..Tool::default()
    }
}

#[test]
fn a_message_is_shown_once_and_ends_its_line() {
    for (events, expected) in [
        (vec![whole("Hello.")], "Hello.\n"),
        (vec![whole("Hello.\n")], "Hello.\n"),
        (vec![whole("")], ""),
        (
            vec![piece("Hel"), piece("lo."), whole("Hello.")],
            "Hello.\n",
        ),
        (vec![piece("Hello.\n"), whole("Hello.\n")], "Hello.\n"),
        (vec![piece("Hel"), whole("Hello.")], "Hello.\n"),
        (vec![piece("Hi"), whole("Hello.")], "Hi\nHello.\n"),
        (
            vec![piece("a"), whole("a"), piece("a"), whole("a")],
            "a\na\n",
        ),
        (vec![whole("a"), whole("a")], "a\na\n"),
    ] {
        assert_eq!(stdout(&events), expected, "{events:?}");
    }
}

#[test]
fn a_piece_is_shown_as_it_comes() {
    let mut transcript = Transcript::new(false);
    assert_eq!(shown(&mut transcript, &[piece("Hel")]).0, "Hel");
    assert_eq!(shown(&mut transcript, &[piece("lo")]).0, "lo");
}

#[test]
fn a_tool_has_a_line_for_its_start_and_its_end() {
    let ended = |ok, exit_code| Tool {
        ok,
        exit_code,
        ..tool("")
    };
    let result = |ok, exit_code| Event::tool_result(ended(ok, exit_code), "never shown");
    let call = Event::tool_call(tool("cargo test"));
    for (result, expected) in [
        (result(Some(true), Some(0)), "[Bash:ok] cargo test\n"),
        (
            result(Some(false), Some(3)),
            "[Bash:failed] cargo test (exit 3)\n",
        ),
        (result(Some(false), None), "[Bash:failed] cargo test\n"),
        (result(None, None), "[Bash:done] cargo test\n"),
    ] {
        let told = stdout(&[call.clone(), result]);
        assert_eq!(told, format!("[Bash:started] cargo test\n{expected}"));
    }
    assert_eq!(
        stdout(&[Event::tool_call(Tool::default())]),
        "[tool:started]\n"
    );
}

#[test]
fn a_tool_begins_its_own_line() {
    let told = stdout(&[
        piece("Look"),
        Event::tool_call(tool("ls")),
        piece(" here"),
        whole("Look here"),
    ]);
    assert_eq!(told, "Look\n[Bash:started] ls\n here\n");
}

#[test]
fn reasoning_is_shown_on_stderr_if_it_is_wanted() {
    let events = [
        said(EventKind::ReasoningDelta, "hm"),
        said(EventKind::Reasoning, "hmm"),
        said(EventKind::Reasoning, "so"),
    ];
    let silent = (String::new(), String::new());
    assert_eq!(shown(&mut Transcript::new(false), &events), silent);
    let told = shown(&mut Transcript::new(true), &events);
    assert_eq!(told, (String::new(), "hmm\nso\n".to_owned()));
}

#[test]
fn problems_are_shown_on_stderr() {
    let events = [
        said(EventKind::Status, "Reconnecting... 1/5\n"),
        said(EventKind::Error, "no"),
        said(EventKind::Status, ""),
        said(EventKind::Usage, "12"),
        said(EventKind::Log, "x"),
    ];
    let (out, err) = shown(&mut Transcript::new(false), &events);
    assert_eq!(
        (out.as_str(), err.as_str()),
        ("", "[status] Reconnecting... 1/5\n[error] no\n")
    );
    let events = [
        said(EventKind::ReasoningDelta, "hm"),
        said(EventKind::Error, "no"),
    ];
    assert_eq!(
        shown(&mut Transcript::new(true), &events).1,
        "hm\n[error] no\n"
    );
}

#[test]
fn nothing_plays_with_the_terminal() {
    let title = "rm\r\nx\x1b[2K\u{202e}\tz\n[Bash:ok] y\u{9b}";
    let told = stdout(&[
        Event::tool_call(tool(title)),
        whole("a\x1b]0;t\x07\tb\r\nc\rd"),
    ]);
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(
        told,
        [
            "[Bash:started] rm x\u{fffd}[2K\u{fffd} z [Bash:ok] y\u{fffd}",
            "a\u{fffd}]0;t\u{fffd}\tb",
            "c\u{fffd}d",
        ]
    );
    let named = Tool {
        name: "a\x1b\nb".to_owned(),
        ..tool("")
    };
    assert_eq!(
        stdout(&[Event::tool_call(named)]),
        "[a\u{fffd} b:started]\n"
    );
    let (_, err) = shown(
        &mut Transcript::new(false),
        &[said(EventKind::Error, "a\x1bb")],
    );
    assert_eq!(err, "[error] a\u{fffd}b\n");
}

#[test]
fn the_result_is_shown_unless_it_was_the_last_message() {
    for (events, result, expected) in [
        (vec![whole("Done.\n")], Some("Done."), ""),
        (vec![whole("Done.")], Some("Done.\n"), ""),
        (vec![piece("Done.")], Some("Done."), "\n"),
        (
            vec![whole("Done."), whole("More.")],
            Some("Done."),
            "Done.\n",
        ),
        (vec![piece("Do")], Some("Done."), "\nDone.\n"),
        (vec![], Some("Done."), "Done.\n"),
        (vec![], Some(""), ""),
        (vec![piece("Do")], None, "\n"),
        (vec![], None, ""),
    ] {
        let mut transcript = Transcript::new(false);
        shown(&mut transcript, &events);
        let ended: String = transcript
            .end(result)
            .into_iter()
            .map(|shown| shown.text)
            .collect();
        assert_eq!(ended, expected, "{events:?} {result:?}");
    }
    let mut transcript = Transcript::new(true);
    shown(&mut transcript, &[said(EventKind::ReasoningDelta, "hm")]);
    let end = Shown {
        stream: Stream::Stderr,
        text: "\n".to_owned(),
    };
    assert_eq!(transcript.end(None), [end]);
}

#[test]
fn a_message_that_is_longer_than_what_is_remembered_is_shown_once() {
    const MANY: usize = 3 << 20;
    let mut transcript = Transcript::new(false);
    let mut told = 0;
    for _ in 0..MANY / 1024 {
        told += shown(&mut transcript, &[piece(&"ä".repeat(512))]).0.len();
    }
    assert_eq!(told, MANY);
    let remembered = format!("{transcript:?}").len();
    assert!(remembered < MANY / 2, "{remembered} bytes are remembered");
    let cut = format!("{}\n[cut: 9 bytes more]", "ä".repeat(1 << 19));
    assert_eq!(shown(&mut transcript, &[whole(&cut)]).0, "\n");
    assert_eq!(shown(&mut transcript, &[whole("b")]).0, "b\n");
}

#[test]
fn another_message_than_a_long_one_in_pieces_is_shown_whole() {
    let mut transcript = Transcript::new(false);
    shown(&mut transcript, &[piece(&"a".repeat(2 << 20))]);
    assert_eq!(shown(&mut transcript, &[whole("b")]).0, "\nb\n");
}

#[test]
fn a_long_result_in_pieces_is_not_shown_again() {
    let mut transcript = Transcript::new(false);
    shown(&mut transcript, &[piece(&"a".repeat(2 << 20))]);
    let result = format!("{}\n[cut: 9 bytes more]", "a".repeat(1 << 20));
    let rest: String = transcript
        .end(Some(&result))
        .iter()
        .map(|shown| shown.text.as_str())
        .collect();
    assert_eq!(rest, "\n");
}

#[test]
fn a_long_message_is_shown_whole_and_as_a_result_not_again() {
    let mut transcript = Transcript::new(false);
    let long = "a".repeat(2 << 20);
    let (shown, _) = shown(&mut transcript, &[whole(&long)]);
    assert!(shown.trim_end() == long, "{} bytes", shown.len());
    let result = crate::content::bounded(long);
    assert!(transcript.end(Some(&result)).is_empty());
}

#[test]
fn tools_that_never_end_are_forgotten_in_the_end() {
    let mut transcript = Transcript::new(false);
    for id in 0..5000 {
        let id = format!("{id:05}");
        transcript.show(&Event::tool_call(Tool { id, ..tool("ls") }));
    }
    let remembered = format!("{transcript:?}");
    assert!(remembered.contains("04999") && !remembered.contains("00001"));
}
