//! A shallow checkout over HTTP, against git's own and against the incumbent's way.

use std::fs;
use std::io;
use std::path::PathBuf;

use agent_tests::{Entry, GitServer, Repository};
use serde_json::json;

use crate::bench::{Bench, Stage, assert_succeeded, installed};
use crate::report::{CHECKOUT_RATIO, Report};
use crate::spread::Spread;

/// As many files as a large service has.
const FILES: u64 = 20_000;

/// Bytes of them all together.
const BYTES: u64 = 300 << 20;

/// One file in so many is incompressible, as pictures and archives are.
const INCOMPRESSIBLE: u64 = 10;

const NAME: &str = "acme/large";

/// One way to get a work tree.
struct Way {
    name: &'static str,
    command: Stage,
    wall: Vec<f64>,
    cpu: Vec<f64>,
    rss: u64,
    requests: usize,
    bytes: u64,
}

/// Compares `git clone --depth 1`, the incumbent's three steps and the runner.
pub(crate) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    let Some(git) = installed("git") else {
        return report.say("\ngit is not installed: no checkouts are compared.\n");
    };
    let repository = Repository::new().commit("main", (0..FILES).map(file));
    let server = GitServer::new().serve(NAME, &repository);
    let into = bench.dir().join("work-tree");
    let mut ways = ways(bench, &git, &server.url(NAME), &into)?;
    for round in 0..=bench.rounds {
        for way in &mut ways {
            drop(fs::remove_dir_all(&into));
            let before = server.requests().len();
            let measured = bench.measure(std::slice::from_ref(&way.command))?;
            assert_complete(&git, &into);
            let requests = &server.requests()[before..];
            // The first round warms up.
            if round > 0 {
                way.wall.push(measured.wall);
                way.cpu.push(measured.cpu);
                way.rss = way.rss.max(measured.rss);
                way.requests = requests.len();
                way.bytes = requests.iter().map(|request| request.bytes_sent).sum();
            }
        }
    }
    assert_succeeded(bench.dir());
    print(&ways, bench, report)
}

fn print(ways: &[Way], bench: &Bench, report: &mut Report) -> io::Result<()> {
    let heading = format!(
        "Checkout of {FILES} files, {} MiB, over HTTP, {} rounds",
        BYTES >> 20,
        bench.rounds
    );
    report.table(
        &heading,
        &[
            "way",
            "wall s",
            "wall / clone --depth 1",
            "wall / incumbent",
            "CPU s",
            "peak RSS, MiB",
            "requests",
            "MiB sent",
        ],
    )?;
    let [clone, incumbent] = [0, 1].map(|at: usize| ways[at].wall.clone());
    for way in ways {
        let of_clone = Spread::of_ratios(&way.wall, &clone);
        let of_incumbent = Spread::of_ratios(&way.wall, &incumbent);
        report.row(&[
            way.name.to_owned(),
            Spread::of(way.wall.iter().copied()).to_string(),
            of_clone.judged(),
            of_incumbent.judged(),
            Spread::of(way.cpu.iter().copied()).to_string(),
            format!("{:.1}", way.rss as f64 / 1_048_576.0),
            way.requests.to_string(),
            format!("{:.1}", way.bytes as f64 / 1_048_576.0),
        ])?;
        if way.name == OURS {
            let what = "checkout, wall / ";
            report.target(format!("{what}clone --depth 1"), of_clone, CHECKOUT_RATIO);
            report.target(format!("{what}incumbent"), of_incumbent, CHECKOUT_RATIO);
        }
    }
    Ok(())
}

const OURS: &str = "agent-runner";

fn ways(bench: &Bench, git: &str, url: &str, into: &std::path::Path) -> io::Result<Vec<Way>> {
    let into = into.display().to_string();
    // Contract §4.4: a partial clone without files, the base at depth 1, then the files.
    let incumbent = format!(
        "{git} clone -q --filter=blob:none --no-checkout {url} {into} && cd {into} \
         && {git} fetch -q --depth 1 origin main && {git} checkout -q -B main origin/main"
    );
    let clone = [git, "clone", "-q", "--depth", "1", url, &into];
    let way = |name, command: Stage| Way {
        name,
        command,
        wall: Vec::new(),
        cpu: Vec::new(),
        rss: 0,
        requests: 0,
        bytes: 0,
    };
    Ok(vec![
        way("git clone --depth 1", clone.map(str::to_owned).to_vec()),
        way("incumbent", vec!["/bin/sh".into(), "-c".into(), incumbent]),
        way(OURS, ours(bench, url, &into)?),
    ])
}

fn ours(bench: &Bench, url: &str, into: &str) -> io::Result<Stage> {
    let spec = json!({
        "schemaVersion": "agents.proompteng.ai/runner/v1",
        "provider": "bench",
        "artifacts": { "statusPath": bench.dir().join("status.json") },
        "adapter": {
            "type": "exec",
            "exec": { "binary": "/bin/true" },
            "runner": { "cwd": into, "workspace": { "git": { "url": url } } },
        },
    });
    let path: PathBuf = bench.dir().join("checkout.json");
    fs::write(&path, spec.to_string())?;
    Ok(bench.command(&path))
}

/// Asserts that every file is there and as the commit has it: half a checkout would be fast.
fn assert_complete(git: &str, dir: &std::path::Path) {
    let status = std::process::Command::new(git)
        .args(["status", "--porcelain"])
        .current_dir(dir)
        .output()
        .expect("git can be started");
    assert!(
        status.status.success() && status.stdout.is_empty(),
        "not a clean checkout: {}",
        String::from_utf8_lossy(&status.stdout)
    );
}

/// Text of words, so that it deflates as source code does, to about two fifths; sizes from a few
/// hundred bytes to ten times the mean.
fn file(number: u64) -> Entry {
    let mut random = Random(number + 1);
    let mean = BYTES / FILES;
    // The mean of a product of two independent numbers around one is one.
    let size = mean * (1 + random.below(199)) * (1 + random.below(199)) / 10_000;
    let size = usize::try_from(size).unwrap_or_default();
    let mut content = Vec::with_capacity(size + 16);
    while content.len() < size {
        if number.is_multiple_of(INCOMPRESSIBLE) {
            content.extend_from_slice(&random.next().to_le_bytes());
        } else {
            let word = WORDS[usize::try_from(random.below(WORDS.len() as u64)).unwrap_or(0)];
            content.extend_from_slice(word.as_bytes());
            let end = if random.below(9) == 0 { b'\n' } else { b' ' };
            content.push(end);
            if random.below(4) == 0 {
                content.extend_from_slice(format!("{:x} ", random.below(1 << 20)).as_bytes());
            }
        }
    }
    content.truncate(size);
    let path = format!("d{}/s{}/f{number}.txt", number % 40, number % 13);
    Entry::file(path, content)
}

const WORDS: [&str; 32] = [
    "fn", "let", "mut", "return", "match", "while", "struct", "self", "value", "buffer", "index",
    "length", "request", "response", "handler", "context", "config", "service", "result", "error",
    "stream", "socket", "parse", "render", "template", "process", "status", "outcome", "{", "}",
    "(", ");",
];

/// xorshift64*: the same bytes on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
