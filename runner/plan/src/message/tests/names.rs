//! Names that a subject cannot have as they are.

use serde_json::json;

use super::subscriber::{row, told};
use super::*;

fn named(namespace: &str, name: &str, uid: &str, agent: &str) -> Header {
    let mut header = header();
    header.speaker.run_namespace = Some(namespace.to_owned());
    header.speaker.run_name = Some(name.to_owned());
    header.speaker.run_uid = uid.to_owned();
    header.speaker.agent_id = agent.to_owned();
    header
}

fn published(header: &Header, wire: &Wire) -> Message {
    let record = header.record(
        1,
        TIME.to_owned(),
        Event::new(EventKind::ToolCall, Role::Assistant, "x"),
    );
    messages(header, &record, wire, SERVER).remove(0)
}

#[test]
fn hostile_names_reach_the_subscriber_as_they_are() {
    for [namespace, name, uid, agent] in [
        ["agents", "my.run", "u-1", "claude.code"],
        ["agent", "agent", "agent", "agent"],
        ["general", "general", "general", "general"],
        ["agents", "agent", "u", "a"],
        ["a b", "r>*", "*", ">"],
        ["ns", "lauf-\u{fc}ber", "u\t1", "\u{1f916}"],
    ] {
        let header = named(namespace, name, uid, agent);
        let message = published(&header, &wire());
        let row = row(&message.subject, &message.payload).expect("it is not dropped");
        let names = [&row.namespace, &row.name, &row.uid, &row.agent_id];
        let given = [namespace, name, uid, agent].map(|text| Some(text.to_owned()));
        assert_eq!(names, given.each_ref(), "{}", message.subject);
        assert_eq!(
            (row.kind.as_str(), row.role.as_str()),
            ("tool_call", "tool")
        );
        assert_eq!(row.channel.as_deref(), Some("run"));
        assert_eq!(
            row.dedupe,
            Some(format!("{}:{}", message.subject, message.id))
        );
        // A subscriber that counts tokens finds every name in its place, too.
        let told = told(&message.subject);
        assert_eq!(
            (told.len(), told[4]),
            (5, "tool_call"),
            "{}",
            message.subject
        );
    }
}

#[test]
fn names_that_are_fine_are_tokens_as_they_are() {
    let header = named("agents", "fix-login-7", "0f7c", "team/reviewer:2");
    let message = published(&header, &wire());
    assert_eq!(
        told(&message.subject),
        [
            "agents",
            "fix-login-7",
            "0f7c",
            "team/reviewer:2",
            "tool_call"
        ]
    );
}

#[test]
fn a_namespace_called_agent_or_general_is_no_marker() {
    let subject = |namespace| published(&named(namespace, "agent", "u", "agent"), &wire()).subject;
    assert_eq!(
        subject("agent"),
        "agentrun.agent_.agent_.u.agent.agent.tool_call"
    );
    assert_eq!(
        subject("general"),
        "agentrun.general_.agent_.u.agent.agent.tool_call"
    );
}

#[test]
fn names_that_are_missing_are_unknown() {
    let mut header = named("", "", " ", "");
    header.speaker.run_name = None;
    let message = published(&header, &wire());
    assert_eq!(
        message.subject,
        "agentrun.unknown.unknown.unknown.agent.unknown.tool_call"
    );
    let said = parsed(&message);
    for name in [
        "agent_run_uid",
        "agent_run_name",
        "agent_run_namespace",
        "agent_id",
    ] {
        assert_eq!(said.get(name), None, "{name}");
    }
    let wire = Wire {
        format: Format::CloudEvents,
        ..wire()
    };
    let said = parsed(&published(&header, &wire));
    assert_eq!(said["source"], "/namespaces/unknown/agentruns/unknown");
    assert_eq!(said["subject"], "unknown");
}

#[test]
fn long_names_leave_a_subject_that_a_server_reads() {
    let long = "x".repeat(10_000);
    let header = named(&long, &long, &long, &long);
    let prefix = Prefix::Other([long.as_str(); 9].join("."));
    let message = published(&header, &Wire { prefix, ..wire() });
    assert!(message.subject.len() < 2200, "{}", message.subject.len());
    assert_eq!(parsed(&message)["agent_run_name"], long);
}

#[test]
fn the_prefix_of_old_installations_has_their_members_too() {
    let prefix = Prefix::Workflow;
    let message = published(&header(), &Wire { prefix, ..wire() });
    assert_eq!(
        message.subject,
        format!("workflow.agents.fix-login-7.{UID}.agent.claude-code.tool_call")
    );
    let said = parsed(&message);
    for (name, value) in [
        ("uid", UID),
        ("name", "fix-login-7"),
        ("namespace", "agents"),
        ("stage", "implementation"),
        ("step", "fix-login-7-job-x2k9p"),
    ] {
        let camel = name[..1].to_uppercase() + &name[1..];
        for member in [
            format!("workflow_{name}"),
            format!("workflow{camel}"),
            format!("agent_run_{name}"),
            format!("agentRun{camel}"),
        ] {
            assert_eq!(said[&member], value, "{member}");
        }
    }
    let record = record(1, Event::new(EventKind::RunGaps, Role::Assistant, "x"));
    let prefix = Prefix::Workflow;
    let all = messages(&header(), &record, &Wire { prefix, ..wire() }, SERVER);
    assert_eq!(all[1].subject, "workflow.general.run-gaps");
}

#[test]
fn a_prefix_is_sanitised_token_by_token() {
    let header = named("ns", "r", "u", "a");
    for (given, sent) in [
        ("staging", "staging"),
        ("agents.workflow", "agents.workflow"),
        (" .. ", "agentrun"),
        ("", "agentrun"),
        ("a..b*.>", "a.b_._"),
        ("$JS.API", "_JS.API"),
        ("agentrun.agent.general", "agentrun.agent_.general_"),
        ("a.b.c.d.e.f", "a.b.c.d"),
    ] {
        let prefix = Prefix::Other(given.to_owned());
        let message = published(&header, &Wire { prefix, ..wire() });
        assert_eq!(message.subject, format!("{sent}.ns.r.u.agent.a.tool_call"));
    }
}

#[test]
fn an_id_fits_into_a_header_and_stays_unlike_others() {
    let id = |id: &str| {
        let mut record = record(1, Event::new(EventKind::Log, Role::System, "x"));
        id.clone_into(&mut record.id);
        let message = messages(&header(), &record, &wire(), SERVER).remove(0);
        assert_eq!(parsed(&message)["message_id"], json!(message.id));
        assert!(message.id.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(message.id.len() <= 120, "{}", message.id);
        message.id
    };
    assert_eq!(id("u-1-7"), "u-1-7");
    let (long, other) = ("x".repeat(300), "x".repeat(301));
    let ids = [
        id("a\r\nb-1-7"),
        id("a\n\rb-1-7"),
        id("a__b-1-7"),
        id("a\"\\b-1-7"),
        id(""),
        id(&format!("{long}-1-7")),
        id(&format!("{other}-1-7")),
        id(&format!("{other}-1-8")),
    ];
    let different: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "{ids:?}");
    assert!(ids[7].ends_with("-1-8"), "{}", ids[7]);
}
