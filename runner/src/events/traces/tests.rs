//! Against a collector that is a real HTTP server, on a port of its own.

use super::*;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::record::Header;

/// Only a failing test waits so long.
const DEADLINE: Duration = Duration::from_secs(20);

/// A request as it came: the head in lower case, and the body.
type Request = (String, Vec<u8>);

/// Answers every connection's one request with the next of these statuses, the last one for ever.
fn collector(statuses: &'static [u16]) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("it is bound");
    let (heard, requests) = mpsc::channel();
    // Ends with the test's process, which is the listener's only user.
    std::thread::spawn(move || {
        let mut statuses = statuses.iter();
        let mut status = 200;
        for stream in listener.incoming().flatten() {
            let Some(request) = request(&stream) else {
                continue;
            };
            status = *statuses.next().unwrap_or(&status);
            let answer = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nlocation: http://127.0.0.1:1/\r\n\
                 connection: close\r\n\r\n"
            );
            // Before the peer can go on, so that a test that has finished finds it.
            drop(heard.send(request));
            drop((&stream).write_all(answer.as_bytes()));
        }
    });
    (format!("http://{address}"), requests)
}

fn request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        (reader.read_line(&mut head).ok()? > 0).then_some(())?;
    }
    let head = head.to_lowercase();
    let length = head.split("content-length: ").nth(1)?.lines().next()?;
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn traces(variables: &[(&str, &str)]) -> Traces {
    let settings = Settings::new(|name| {
        let mut found = variables.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| *value)
    });
    let speaker = Speaker {
        run_uid: "uid-1".to_owned(),
        agent_id: "reviewer".to_owned(),
        ..Speaker::default()
    };
    Traces::with(&settings.expect("they are usable"), &speaker).expect("a thread can be started")
}

fn tell(traces: &Traces, kinds: &[EventKind]) {
    for kind in kinds {
        let event = Event::new(*kind, Role::System, "words").with("status", "succeeded");
        let time = "2026-08-23T10:15:00.120Z".to_owned();
        traces.record(&Header::default().record(1, time, event));
    }
}

const RUN: [EventKind; 2] = [EventKind::RunStarted, EventKind::RunOutcome];

async fn finish(traces: &Traces) -> Duration {
    let begun = Instant::now();
    traces.finish(begun + DEADLINE).await;
    begun.elapsed()
}

fn missing(traces: &Traces) -> u64 {
    let recording = traces.recording.as_ref().expect("it is sampled");
    recording.queue.missing()
}

#[tokio::test]
async fn the_last_spans_are_exported_with_the_headers_that_were_told() {
    let (url, requests) = collector(&[200]);
    let headers = "authorization=Bearer%20word";
    let traces = traces(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
        ("OTEL_EXPORTER_OTLP_HEADERS", headers),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ]);
    tell(&traces, &RUN);
    finish(&traces).await;
    let (head, body) = requests.recv_timeout(DEADLINE).expect("a request");
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    assert!(head.contains("authorization: bearer word"), "{head}");
    let body = String::from_utf8_lossy(&body);
    assert!(
        body.contains("invoke_agent") && body.contains("uid-1"),
        "{body}"
    );
    assert_eq!(missing(&traces), 0);
}

#[tokio::test]
async fn spans_are_exported_while_the_run_goes_on() {
    let (url, requests) = collector(&[200]);
    let traces = traces(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ]);
    tell(&traces, &RUN);
    requests
        .recv_timeout(DEADLINE)
        .expect("nobody has to finish");
}

#[tokio::test]
async fn a_busy_collector_is_asked_again_and_one_that_refuses_is_not() {
    for (statuses, asked, lost) in [
        (&[503, 429, 200][..], 3, 0),
        (&[400], 1, 1),
        (&[307], 1, 1),
        (&[503], 3, 1),
    ] {
        let (url, requests) = collector(statuses);
        let traces = traces(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
            ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        ]);
        tell(&traces, &RUN);
        finish(&traces).await;
        assert_eq!(requests.try_iter().count(), asked, "{statuses:?}");
        assert_eq!(missing(&traces), lost, "{statuses:?}");
    }
}

#[tokio::test]
async fn a_collector_that_is_not_there_holds_nobody_up() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    let traces = traces(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    tell(&traces, &RUN);
    let took = finish(&traces).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(missing(&traces), 1);
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_nobody_up_past_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let traces = traces(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    tell(&traces, &RUN);
    let begun = Instant::now();
    let slice = Duration::from_millis(200);
    traces.finish(begun + slice).await;
    let took = begun.elapsed();
    assert!(took >= slice && took < Duration::from_secs(3), "{took:?}");
    assert_eq!(missing(&traces), 1);
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_is_passed_on_and_not_exported() {
    let (url, requests) = collector(&[200]);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let traces = traces(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
        ("TRACEPARENT", parent),
    ]);
    tell(&traces, &RUN);
    finish(&traces).await;
    assert_eq!(requests.try_iter().count(), 0);
    let told = [traces.traceparent(), traces.traceparent_for_agent()];
    assert_ne!(told[0], told[1]);
    for told in told {
        assert!(
            told.starts_with("00-0af7651916cd43dd8448eb211c80319c-"),
            "{told}"
        );
        assert!(told.ends_with("-00"), "{told}");
    }
}

#[tokio::test]
async fn where_there_is_no_room_the_last_spans_stay() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let traces = traces(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    tell(&traces, &[EventKind::RunStarted]);
    let begun = std::time::Instant::now();
    for number in 0..6000 {
        let tool = agent_plan::event::Tool {
            name: number.to_string(),
            ..agent_plan::event::Tool::default()
        };
        let event = Event::tool_result(tool, "");
        let time = "2026-08-23T10:15:00.120Z".to_owned();
        traces.record(&Header::default().record(1, time, event));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "recording waits");
    let recording = traces.recording.as_ref().expect("it is sampled");
    let mut last = Vec::new();
    loop {
        let batch = recording.queue.batch();
        if batch.is_empty() {
            break;
        }
        last = batch;
    }
    let last = last.last().expect("there is a batch");
    assert_eq!(last.name, "execute_tool 5999");
    assert!(missing(&traces) >= 6000 - 2048 - 512);
}
