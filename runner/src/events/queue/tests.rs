use std::sync::Arc;
use std::time::Duration;

use agent_plan::event::{EventKind, Role};
use agent_plan::secret::Redactor;

use super::*;
use crate::veil::Veil;

fn line(text: &str) -> Line {
    Line {
        stream: "stdout",
        text: text.to_owned(),
        part: false,
    }
}

fn message(content: &str) -> Clean {
    Veil::new(Redactor::none()).event(Event::new(EventKind::Message, Role::Assistant, content))
}

/// Entries in words.
fn said(batch: &Batch) -> Vec<String> {
    let say = |entry: &Entry| match &entry.item {
        Item::Event(event) => format!("event {}", event.content),
        Item::Line(line) => format!("line {}", line.text),
        Item::Gap(count) => format!("gap {count}"),
    };
    batch.entries.iter().map(say).collect()
}

/// Everything that is in it, up to its end.
fn drained(queue: &Queue) -> Vec<String> {
    let mut all = Vec::new();
    queue.close();
    loop {
        let batch = queue.take(None);
        all.extend(said(&batch));
        queue.recorded(batch.weight);
        if batch.last {
            return all;
        }
    }
}

#[test]
fn output_without_room_is_counted_where_it_is_missing() {
    let queue = Queue::new(2 * Item::Line(line("1")).weight());
    queue.lines([line("1"), line("2"), line("3"), line("4")]);
    queue.event(message("a"));
    queue.event(message("b"));
    queue.lines([line("5")]);
    assert_eq!(queue.dropped(), 3);
    let all = drained(&queue);
    assert_eq!(
        all,
        ["line 1", "line 2", "gap 2", "event a", "event b", "gap 1"]
    );
    queue.event(message("late"));
    assert_eq!(queue.dropped(), 4);
}

#[test]
fn what_is_taken_counts_until_it_is_recorded() {
    let queue = Queue::new(2 * Item::Line(line("1")).weight());
    queue.lines([line("1"), line("2")]);
    let batch = queue.take(None);
    queue.lines([line("3")]);
    assert_eq!(queue.dropped(), 1);
    queue.recorded(batch.weight);
    queue.lines([line("4")]);
    assert_eq!(queue.dropped(), 1);
    assert_eq!(drained(&queue), ["gap 1", "line 4"]);
}

#[test]
fn what_is_taken_is_one_of_those_that_wait_until_it_is_recorded() {
    let queue = Queue::new(BOUND);
    for content in ["one", "two"] {
        queue.event(message(content));
    }
    let batch = queue.take(None);
    queue.event(message("three"));
    assert_eq!(queue.len(), 3);
    queue.recorded(batch.weight);
    assert_eq!(queue.len(), 1);
}

#[test]
fn what_is_no_output_is_kept_and_room_comes_back_at_half() {
    let bound = 10 * BATCH;
    let queue = Queue::new(bound);
    let big = "x".repeat(BATCH);
    for _ in 0..10 {
        assert!(queue.has_room());
        queue.event(message(&big));
    }
    assert!(!queue.has_room());
    queue.event(message(&big));
    let mut left = 11;
    while !queue.has_room() {
        let batch = queue.take(None);
        left -= batch.entries.len();
        queue.recorded(batch.weight);
    }
    assert_eq!(left, 4);
    assert_eq!(queue.dropped(), 0);
}

#[test]
fn whoever_waits_for_room_is_woken_by_the_thread_that_makes_it() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime can be made");
    for _ in 0..200 {
        let queue = Arc::new(Queue::new(1));
        queue.event(message("more than a byte"));
        let also = Arc::clone(&queue);
        let writer = std::thread::spawn(move || {
            let batch = also.take(None);
            also.recorded(batch.weight);
        });
        runtime.block_on(async {
            let room = tokio::time::timeout(Duration::from_secs(20), queue.room());
            room.await
                .expect("there is room when the event is recorded");
        });
        writer.join().expect("the writer has nothing to fail at");
    }
}

#[test]
fn a_queue_that_is_closed_keeps_nobody_waiting() {
    let queue = Queue::new(1);
    queue.event(message("more than a byte"));
    assert!(!queue.has_room());
    queue.close();
    assert!(queue.has_room());
}

#[test]
fn times_never_go_back() {
    let queue = Queue::new(BOUND);
    let future = SystemTime::now() + Duration::from_hours(1);
    queue.state().latest = Some(future);
    queue.event(message("after the clock was set back"));
    assert_eq!(queue.take(None).entries[0].time, future);
}

#[test]
fn a_writer_that_takes_nothing_holds_up_nobody_for_ever() {
    let queue = Queue::new(1);
    queue.event(message("more than a byte"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime can be made");
    assert!(!queue.has_room());
    runtime.block_on(async {
        let hung = HANGS.saturating_sub(Duration::from_millis(50));
        queue.state().moved = Instant::now().checked_sub(hung);
        let room = tokio::time::timeout(Duration::from_secs(4), queue.room());
        room.await.expect("it hangs");
    });
    assert!(queue.has_room());
    queue.lines([line("1")]);
    assert_eq!(queue.dropped(), 1);
    queue.event(message("kept"));
    // It takes something: it is waited for as before.
    let batch = queue.take(None);
    assert_eq!(said(&batch).len(), 3);
    assert!(!queue.has_room());
    queue.recorded(batch.weight);
    assert!(queue.has_room());
}

#[test]
fn time_without_anything_to_take_is_no_hanging() {
    let queue = Queue::new(1);
    queue.state().moved = Instant::now().checked_sub(2 * HANGS);
    queue.event(message("more than a byte"));
    assert!(!queue.has_room());
}
