//! What a session asks for, and when it is told anything.

use super::*;
use crate::process::output::Activity;
use crate::process::screen::tests::{in_runtime, screen};
use agent_plan::event::Role;
use agent_plan::outcome::{Outcome, StopCause};
use agent_plan::plan::Timers;
use agent_plan::provider::Usage;
use agent_plan::secret::Redactor;
use agent_providers::Stream;
use std::io::{self, Read};
use std::sync::Arc;

/// Asks for what the line says.
#[derive(Debug, Default)]
struct Echo {
    report: Report,
}

impl Session for Echo {
    fn on_line(&mut self, line: &str) -> Vec<Action> {
        self.report.known_events += 1;
        match line {
            "write" => vec![Action::Write("hello".to_owned())],
            "flood" => vec![Action::Write("x".repeat(1 << 20))],
            "tool" => vec![Action::Emit(Event::tool_call(
                agent_plan::event::Tool::default(),
            ))],
            "later" => vec![Action::SetTimer(
                Timer::Quiet,
                Some(Duration::from_hours(1)),
            )],
            "close" => vec![Action::CloseStdin],
            "quick" => vec![
                Action::SetTimer(Timer::Idle, Some(Duration::from_hours(1))),
                Action::SetTimer(Timer::Quiet, Some(Duration::ZERO)),
                Action::SetTimer(Timer::Bootstrap, Some(Duration::ZERO)),
                Action::SetTimer(Timer::Bootstrap, None),
            ],
            "finish" => vec![Action::Finish(Verdict::completed())],
            "stop" => vec![Action::Stop(Verdict::new(
                Outcome::AuthFailed,
                "Auth",
                None,
            ))],
            "resume" => vec![Action::Resume],
            _ => Vec::new(),
        }
    }

    fn on_timer(&mut self, timer: Timer) -> Vec<Action> {
        self.report.result = Some(format!("{timer:?}"));
        Vec::new()
    }

    fn on_end(&mut self) -> Vec<Action> {
        let last = Event::new(EventKind::Message, Role::Assistant, "last word");
        vec![Action::Emit(last)]
    }

    fn reads_lines(&self) -> bool {
        true
    }

    fn report(&self) -> &Report {
        &self.report
    }
}

fn watch(timers: Timers) -> Watch {
    Watch::new(timers, Arc::new(Activity::new()))
}

fn talk(stdin: Feed, screen: Screen) -> (Conversation, lines::Sender) {
    let (sender, lines) = lines::channel(lines::BOUND);
    let session = Box::new(Echo::default());
    (
        Conversation::new(
            session,
            lines,
            stdin,
            screen,
            Redactor::none(),
            Events::none(),
        ),
        sender,
    )
}

fn told(conversation: &mut Conversation, watch: &mut Watch, line: &str) {
    conversation.take(Turn::Line(line.to_owned()), watch);
}

#[test]
fn what_it_writes_reaches_the_agent_and_then_the_end() {
    in_runtime(async {
        let (mut reader, writer) = io::pipe().expect("a pipe can be made");
        let stdin = Feed::to("stdin", writer).expect("it is a pipe");
        let (mut conversation, _sender) = talk(stdin, Screen::none());
        let mut watch = watch(Timers::default());
        for line in ["write", "close", "write"] {
            told(&mut conversation, &mut watch, line);
        }
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("it ends");
        assert_eq!(text, "hello\n");
    });
}

#[test]
fn a_timer_that_is_over_comes_once_and_one_that_was_stopped_never() {
    in_runtime(async {
        let (mut conversation, sender) = talk(Feed::none("stdin"), Screen::none());
        let mut watch = watch(Timers::default());
        told(&mut conversation, &mut watch, "quick");
        let turn = conversation.next().await;
        assert!(matches!(turn, Turn::Timer(Timer::Quiet)), "{turn:?}");
        conversation.take(turn, &mut watch);
        assert_eq!(conversation.report().result.as_deref(), Some("Quiet"));
        sender.send("last".to_owned());
        let turn = conversation.next().await;
        assert!(
            matches!(&turn, Turn::Line(line) if line == "last"),
            "{turn:?}"
        );
        assert_eq!(conversation.timers.len(), 1);
        conversation.on_end();
        // What the agent had said before its end may still ask for one.
        told(&mut conversation, &mut watch, "quick");
        assert!(conversation.timers.is_empty());
    });
}

#[test]
fn a_stop_is_a_verdict_that_a_later_result_replaces() {
    in_runtime(async {
        let (mut conversation, _sender) = talk(Feed::none("stdin"), Screen::none());
        let mut watch = watch(Timers::default());
        told(&mut conversation, &mut watch, "stop");
        assert!(conversation.is_hopeless());
        let reason =
            |conversation: &Conversation| conversation.verdict().map(|it| it.reason.clone());
        assert_eq!(reason(&conversation).as_deref(), Some("Auth"));
        told(&mut conversation, &mut watch, "finish");
        assert_eq!(reason(&conversation).as_deref(), Some("Completed"));
        assert_eq!(conversation.report().usage, Usage::default());
    });
}

#[test]
fn an_agent_that_goes_on_after_a_result_is_not_waited_for() {
    in_runtime(async {
        let (mut conversation, _sender) = talk(Feed::none("stdin"), Screen::none());
        let mut watch = watch(Timers {
            after_result: Some(Duration::ZERO),
            ..Timers::default()
        });
        assert_eq!(watch.due(), None);
        told(&mut conversation, &mut watch, "finish");
        assert!(watch.due().is_some());
        told(&mut conversation, &mut watch, "resume");
        assert_eq!(watch.due(), None);
    });
}

#[test]
fn no_line_is_taken_while_nobody_looks_at_the_screen() {
    in_runtime(async {
        let (screen, _pumps, [mut out, _err]) = screen(&Redactor::none());
        let (mut conversation, sender) = talk(Feed::none("stdin"), screen);
        conversation
            .screen
            .push(Stream::Stdout, &"x".repeat(1 << 20));
        sender.send("line".to_owned());
        // The pipes on its way fill up; after that only a look at the screen could help.
        let stuck = Duration::from_millis(200);
        let turn = tokio::time::timeout(stuck, conversation.next()).await;
        assert!(turn.is_err(), "{turn:?}");
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            out.read_to_end(&mut text).map(|_| text.len())
        });
        let turn = conversation.next().await;
        assert!(matches!(turn, Turn::Line(_)), "{turn:?}");
        // One that is in a hurry does not care.
        conversation
            .screen
            .push(Stream::Stdout, &"x".repeat(16 << 20));
        assert!(!conversation.screen.has_room());
        sender.send("line".to_owned());
        conversation.hurry();
        let turn = conversation.next().await;
        assert!(matches!(turn, Turn::Line(_)), "{turn:?}");
        drop(conversation);
        assert!(reader.join().is_ok());
    });
}

#[test]
fn a_line_that_waits_comes_before_a_timer_that_is_over() {
    in_runtime(async {
        let (mut conversation, sender) = talk(Feed::none("stdin"), Screen::none());
        let mut watch = watch(Timers::default());
        told(&mut conversation, &mut watch, "quick");
        sender.send("later".to_owned());
        conversation.take(Turn::Timer(Timer::Quiet), &mut watch);
        // It was set anew by the line.
        assert_eq!(conversation.report().result, None);
        assert!(conversation.timers[&Timer::Quiet] > Instant::now());
        assert_eq!(conversation.report().known_events, 2);
    });
}

#[test]
fn what_waits_for_an_agent_that_does_not_read_has_a_bound() {
    in_runtime(async {
        let (_reader, writer) = io::pipe().expect("a pipe can be made");
        let stdin = Feed::to("stdin", writer).expect("it is a pipe");
        let (mut conversation, _sender) = talk(stdin, Screen::none());
        let mut watch = watch(Timers::default());
        // Longer than the bound, but one line: a prompt.
        conversation.write(&"p".repeat(8 << 20));
        assert!(!conversation.is_hopeless());
        for _ in 0..100 {
            told(&mut conversation, &mut watch, "flood");
        }
        assert!(conversation.is_hopeless());
        assert!(conversation.stdin.waiting() <= 14 << 20);
        let reason = |conversation: &Conversation| {
            let verdict = conversation.verdict().expect("there is one");
            (verdict.outcome, verdict.reason.clone())
        };
        let deaf = (Outcome::AgentFailed, "NotReading".to_owned());
        assert_eq!(reason(&conversation), deaf);
        // The session does not know better: it sees only the end of its agent.
        for line in ["stop", "resume"] {
            told(&mut conversation, &mut watch, line);
            assert_eq!(reason(&conversation), deaf);
        }
        told(&mut conversation, &mut watch, "finish");
        assert_eq!(reason(&conversation).0, Outcome::Completed);
    });
}

#[test]
fn a_tool_without_an_end_does_not_outlive_a_result() {
    in_runtime(async {
        let (mut conversation, _sender) = talk(Feed::none("stdin"), Screen::none());
        let activity = Arc::new(Activity::new());
        let timers = Timers {
            idle: Some(Duration::ZERO),
            ..Timers::default()
        };
        for lines in [["finish", "resume"], ["resume", "resume"]] {
            let mut watch = Watch::new(timers, Arc::clone(&activity));
            activity.touch();
            told(&mut conversation, &mut watch, "tool");
            assert_eq!(watch.due(), None);
            for line in lines {
                told(&mut conversation, &mut watch, line);
            }
            assert_eq!(watch.due(), Some(StopCause::IdleTimeout), "{lines:?}");
        }
    });
}

#[test]
fn the_last_word_of_a_session_is_shown() {
    in_runtime(async {
        let (screen, _pumps, [mut out, _err]) = screen(&Redactor::none());
        let (mut conversation, _sender) = talk(Feed::none("stdin"), screen);
        let mut watch = watch(Timers::default());
        conversation.on_silence(&mut watch);
        conversation.on_silence(&mut watch);
        drop(conversation);
        let mut text = String::new();
        out.read_to_string(&mut text).expect("it ends");
        assert_eq!(text, "last word\n");
    });
}
