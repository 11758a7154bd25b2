//! Promises over whatever an agent may say, and whatever it may be called.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Map;

use super::subscriber;
use super::*;

const KINDS: [EventKind; 8] = [
    EventKind::RunStarted,
    EventKind::Status,
    EventKind::Message,
    EventKind::ToolCall,
    EventKind::ToolResult,
    EventKind::Log,
    EventKind::RunNextPrompt,
    EventKind::RunOutcome,
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,24}",
        2 => select(vec!["", " ", "agent", "general", "unknown", "a.b", ">", "\0", "\u{feff}", "\u{1}\"\\\u{7f}\u{2028}\u{ffff}"])
            .prop_map(str::to_owned),
        2 => vec(any::<char>(), 0..12).prop_map(String::from_iter),
        1 => (select(vec!["x", "\0", "\u{1}", "\"", "\u{1f916}", "\u{e4} "]), 0..6000_usize)
            .prop_map(|(letter, times)| letter.repeat(times)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn attrs() -> impl Strategy<Value = Map<String, Value>> {
    let names = [
        "seq",
        "attempt",
        "exit_code",
        "status",
        "input",
        "message",
        "data",
        "truncated",
    ];
    let name = prop_oneof![text(), select(names.to_vec()).prop_map(str::to_owned)];
    vec((name, value()), 0..6).prop_map(Map::from_iter)
}

fn speaker() -> impl Strategy<Value = Speaker> {
    let names = (text(), vec(option::of(text()), 8), text());
    (names, option::of(any::<u64>())).prop_map(|((run_uid, mut names, agent_id), issue_number)| {
        let mut next = || names.pop().flatten();
        Speaker {
            run_uid,
            agent_id,
            issue_number,
            run_name: next(),
            run_namespace: next(),
            run_id: next(),
            agent_role: next(),
            step_id: next(),
            stage: next(),
            repository: next(),
            branch: next(),
        }
    })
}

fn tool() -> impl Strategy<Value = Tool> {
    (
        text(),
        text(),
        text(),
        any::<Option<bool>>(),
        any::<Option<i64>>(),
    )
        .prop_map(|(id, name, title, ok, exit_code)| Tool {
            id,
            name,
            title,
            ok,
            exit_code,
        })
}

fn event() -> impl Strategy<Value = Event> {
    let role = select(vec![Role::System, Role::Assistant, Role::Tool]);
    (
        select(KINDS.to_vec()),
        role,
        text(),
        option::of(tool()),
        attrs(),
    )
        .prop_map(|(kind, role, content, tool, attrs)| Event {
            kind,
            role,
            content,
            tool,
            attrs,
        })
}

fn wires() -> impl Strategy<Value = Wire> {
    let prefix = prop_oneof![
        3 => Just(Prefix::AgentRun),
        1 => Just(Prefix::Workflow),
        1 => text().prop_map(Prefix::Other),
    ];
    let parent = select(vec![
        Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        Some("\r\n".repeat(28)),
        None,
    ]);
    let format = select(vec![Format::Plain, Format::CloudEvents]);
    (prefix, format, parent, 0..8000_usize).prop_map(
        |(prefix, format, traceparent, max_content)| Wire {
            prefix,
            format,
            traceparent,
            max_content,
        },
    )
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn is_subject(text: &str) -> bool {
    let is_token = |token: &str| {
        let is_barred = |byte: u8| matches!(byte, b'*' | b'>') || !byte.is_ascii_graphic();
        !token.is_empty() && !token.bytes().any(is_barred)
    };
    text.split('.').all(is_token) && !text.starts_with('$')
}

proptest! {
    #[test]
    fn whatever_is_said_can_be_published(
        speaker in speaker(),
        stem in text(),
        event in event(),
        wire in wires(),
        max_payload in prop_oneof![Just(2048_usize), 2048..20_000_usize],
    ) {
        let header = Header { journal: VERSION, attempt: 3, stem, speaker };
        let record = header.record(17, TIME.to_owned(), event);
        let all = messages(&header, &record, &wire, max_payload);
        prop_assert_eq!(all.len(), if record.kind.is_general() { 2 } else { 1 });
        for message in &all {
            let size = message.payload.len() + framed(&message.headers, &message.id);
            prop_assert!(size <= max_payload, "{} > {}", size, max_payload);
            prop_assert!(is_subject(&message.subject), "{}", message.subject);
            for (name, value) in message.headers.iter().chain([&("", message.id.clone())]) {
                prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{}: {}", name, value);
            }
            let said = parsed(message);
            prop_assert!(!has_nul(&said));
            let inner = if wire.format == Format::Plain { &said } else { &said["data"] };
            prop_assert!(inner.get("message").is_none() && inner.get("data").is_none());
            prop_assert_eq!(&inner["message_id"], &json!(message.id));
            prop_assert_eq!(&inner["attrs"]["seq"], &json!(17));
            prop_assert_eq!(&inner["attrs"]["attempt"], &json!(3));
            if let Some(code @ Value::Number(_)) = record.attrs.get("exit_code") {
                prop_assert_eq!(&inner["attrs"]["exit_code"], code);
            }
            prop_assert_eq!(&inner["kind"], record.kind.name());
            if wire.prefix == Prefix::AgentRun {
                let row = subscriber::row(&message.subject, &message.payload);
                prop_assert!(row.is_some(), "it is dropped: {}", said);
            }
        }
        prop_assert_eq!(messages(&header, &record, &wire, max_payload), all);
    }

    #[test]
    fn with_room_nothing_is_cut_and_names_are_whole(speaker in speaker(), event in event()) {
        let header = Header { journal: VERSION, attempt: 1, stem: "u".to_owned(), speaker };
        let record = header.record(17, TIME.to_owned(), event);
        let wide = Wire { max_content: SERVER, ..wire() };
        let message = messages(&header, &record, &wide, 64 * SERVER).remove(0);
        let said = parsed(&message);
        prop_assert!(said["attrs"].get("truncated").is_none());
        let row = subscriber::row(&message.subject, &message.payload).expect("it is not dropped");
        let trim = |text: &str| {
            let text = text.replace('\0', "");
            text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}').to_owned()
        };
        let names = [
            (Some(&header.speaker.run_uid), &row.uid),
            (header.speaker.run_name.as_ref(), &row.name),
            (header.speaker.run_namespace.as_ref(), &row.namespace),
        ];
        for (given, stored) in names {
            let given = given.map(|given| trim(given)).filter(|given| !given.is_empty());
            if given.is_some() {
                prop_assert_eq!(&given, stored);
            }
        }
        let content = trim(&record.content);
        if !content.is_empty() {
            prop_assert_eq!(row.content, content);
        }
    }
}
