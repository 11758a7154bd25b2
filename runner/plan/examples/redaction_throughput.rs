//! How fast a stream is redacted.
//!
//! `cargo run --release -p agent-plan --example redaction_throughput`

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement prints, takes the time and divides"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use agent_plan::secret::{End, Found, Patterns, Redactor};

const TOTAL: usize = 1 << 30;

fn main() {
    for count in [0_u64, 3, 20, 200] {
        let redactor = Redactor::new((0..count).map(secret).collect(), Patterns::On);
        println!("{count} secrets: {redactor:?}");
        for (kind, text) in [("json", json()), ("log", log()), ("base64", base64())] {
            let chunk = text.as_bytes();
            let rounds = TOTAL / 4 / chunk.len();
            let mut stream = redactor.stream();
            let start = Instant::now();
            for _ in 0..rounds {
                let consumed = stream.scan(black_box(chunk), End::No, &mut |piece| {
                    black_box(piece);
                });
                assert_eq!(consumed, chunk.len(), "the text ends where nothing is held");
            }
            let elapsed = start.elapsed().as_secs_f64();
            let megabytes = (rounds * chunk.len()) as f64 / 1e6;
            println!("  64 KiB of {kind}: {:.0} MB/s", megabytes / elapsed);
        }
        let line = "2026-01-01T00:00:00.000Z INFO runner::process: Agent wrote a line. pid=4711 stream=stdout bytes=1000\n";
        let rounds = 1 << 20;
        let mut stream = redactor.stream();
        let start = Instant::now();
        for _ in 0..rounds {
            stream.scan(black_box(line.as_bytes()), End::No, &mut |piece| {
                black_box(piece);
            });
        }
        let nanoseconds = start.elapsed().as_nanos() as f64 / f64::from(rounds);
        println!("  line of {} bytes: {nanoseconds:.0} ns", line.len());
    }
}

/// Random numbers, the same each time: xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| {
                let index = usize::try_from(self.next() >> 33).expect("31 bits fit");
                char::from(alphabet[index % alphabet.len()])
            })
            .collect()
    }
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn secret(number: u64) -> Found {
    let mut random = Random((number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    Found {
        name: format!("SECRET_{number}"),
        value: random.text(ALPHABET, 40).into_bytes(),
    }
}

fn json() -> String {
    repeat(|text, line| {
        write!(
            text,
            r#"{{"type":"assistant","message":{{"id":"msg_{line:08x}","role":"assistant","content":[{{"type":"text","text":"Now let me look at the tests of module {line} to see\nhow the values are read from the environment."}}],"usage":{{"input_tokens":{line},"output_tokens":87}}}},"session_id":"c0ffee00-1111-2222-3333-{line:012x}"}}"#
        )
    })
}

fn log() -> String {
    repeat(|text, line| {
        write!(
            text,
            "2026-01-01T00:00:{:02}.{:03}Z  INFO runner::process: Agent wrote a line. pid=4711 stream=stdout bytes={line}",
            line % 60,
            line % 1000,
        )
    })
}

fn base64() -> String {
    let mut random = Random(4711);
    repeat(|text, _| write!(text, "{}", random.text(ALPHABET, 2000)))
}

/// 64 KiB of lines, whole ones.
fn repeat(mut line: impl FnMut(&mut String, usize) -> std::fmt::Result) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < 64 * 1024 {
        line(&mut text, number).expect("a string takes everything");
        text.push('\n');
        number += 1;
    }
    text
}
