//! Storing artifacts, against what people would call from a script and against the incumbent's way.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use agent_plan::plan::FULL_STATUS;
use agent_tests::S3Server;
use serde_json::{Value, json};

use crate::bench::{Bench, Stage, assert_succeeded, installed, with};
use crate::report::{Report, UPLOAD_MEMORY_RATIO, UPLOAD_RATIO};
use crate::spread::Spread;

const OURS: &str = "agent-runner";

/// The incumbent's way.
const SINGLE_PUT: &str = include_str!("upload/single_put.mjs");

/// How long a peer may take before it is given up: rclone 1.60 hung on small files.
const PATIENCE: &str = "120";

/// What is stored.
struct Case {
    what: &'static str,
    files: usize,
    bytes: usize,
}

const CASES: [Case; 2] = [
    Case {
        what: "a file of 1 GiB",
        files: 1,
        bytes: 1 << 30,
    },
    Case {
        what: "1,000 files of 64 KiB",
        files: 1000,
        bytes: 64 << 10,
    },
];

/// One way to store it.
struct Way {
    name: &'static str,
    command: Stage,
    wall: Vec<f64>,
    cpu: Vec<f64>,
    rss: Vec<f64>,
    requests: usize,
}

/// Compares `aws s3 cp`, `s5cmd`, `rclone`, a single PUT per file, and the runner.
pub(crate) fn compare(bench: &Bench, report: &mut Report) -> io::Result<()> {
    for case in &CASES {
        let from = bench.dir().join(format!("artifacts-{}", case.files));
        let files = generate(case, &from)?;
        let stored = bench.dir().join(format!("stored-{}", case.files));
        fs::create_dir_all(&stored)?;
        let server = S3Server::at(&stored);
        let mut ways = ways(bench, report, &server, &from, &files)?;
        for round in 0..=bench.rounds {
            for way in &mut ways {
                // Each run is a first attempt, which asks for no small object before it stores it.
                for name in ["status.json", FULL_STATUS] {
                    drop(fs::remove_file(bench.dir().join(name)));
                }
                let before = server.requests().len();
                let measured = bench.measure(std::slice::from_ref(&way.command))?;
                assert_stored(case, &server, way.name);
                // The first round warms up.
                if round > 0 {
                    way.wall.push(measured.wall);
                    way.cpu.push(measured.cpu);
                    way.rss.push(measured.rss as f64 / 1_048_576.0);
                    way.requests = server.requests().len() - before;
                }
            }
        }
        assert_succeeded(bench.dir());
        print(case, &ways, bench, report)?;
        drop(server);
        fs::remove_dir_all(&from)?;
    }
    Ok(())
}

/// Writes files that nothing can compress, each another; returns their names and keys.
fn generate(case: &Case, dir: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(dir)?;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut block = vec![0; 64 << 10];
    let mut names = Vec::new();
    for number in 0..case.files {
        let name = format!("file-{number:04}.bin");
        let mut file = File::create(dir.join(&name))?;
        for _ in 0..case.bytes / block.len() {
            for chunk in block.chunks_exact_mut(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                chunk.copy_from_slice(&state.to_le_bytes());
            }
            file.write_all(&block)?;
        }
        names.push(name);
    }
    Ok(names)
}

/// Asserts that everything is there, and takes it away.
fn assert_stored(case: &Case, server: &S3Server, way: &str) {
    let keys = server.keys("");
    assert_eq!(keys.len(), case.files, "{way}");
    for key in keys {
        let length = server.object(&key).map(|object| object.length);
        assert_eq!(length, Some(case.bytes as u64), "{way}: {key}");
        assert!(server.remove(&key), "{way}: {key}");
    }
    assert_eq!(server.uploads_open(), 0, "{way}");
}

fn print(case: &Case, ways: &[Way], bench: &Bench, report: &mut Report) -> io::Result<()> {
    let heading = format!("Storing {}, {} rounds", case.what, bench.rounds);
    let columns = [
        "way",
        "wall s",
        "MB/s",
        "wall / ours",
        "CPU s",
        "peak RSS, MiB",
        "requests",
    ];
    report.table(&heading, &columns)?;
    let Some(ours) = ways.iter().find(|way| way.name == OURS) else {
        return Ok(());
    };
    let megabytes = (case.files * case.bytes) as f64 / 1e6;
    for way in ways {
        let rates = way.wall.iter().map(|seconds| megabytes / seconds);
        report.row(&[
            way.name.to_owned(),
            Spread::of(way.wall.iter().copied()).to_string(),
            Spread::of(rates).to_string(),
            Spread::of_ratios(&way.wall, &ours.wall).judged(),
            Spread::of(way.cpu.iter().copied()).to_string(),
            Spread::of(way.rss.iter().copied()).to_string(),
            way.requests.to_string(),
        ])?;
        if way.name != OURS {
            let what = format!("storing {}, ours / {}", case.what, way.name);
            let wall = Spread::of_ratios(&ours.wall, &way.wall);
            report.target(format!("{what}, wall"), wall, UPLOAD_RATIO);
            let memory = Spread::of_ratios(&ours.rss, &way.rss);
            report.target(format!("{what}, peak RSS"), memory, UPLOAD_MEMORY_RATIO);
        }
    }
    Ok(())
}

fn ways(
    bench: &Bench,
    report: &Report,
    server: &S3Server,
    from: &Path,
    files: &[String],
) -> io::Result<Vec<Way>> {
    let (url, bucket) = (server.url(), server.bucket());
    let (access, secret) = (server.access_key(), server.secret_key());
    let home = bench.dir().display().to_string();
    let of_aws = [
        ("AWS_ACCESS_KEY_ID", access),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", "us-east-1"),
        ("HOME", home.as_str()),
    ];
    let of_rclone = [
        ("RCLONE_CONFIG_BENCH_TYPE", "s3"),
        ("RCLONE_CONFIG_BENCH_PROVIDER", "Other"),
        ("RCLONE_CONFIG_BENCH_ENDPOINT", url.as_str()),
        ("RCLONE_CONFIG_BENCH_ACCESS_KEY_ID", access),
        ("RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY", secret),
        // Its own default is one that buckets without access control lists refuse.
        ("RCLONE_CONFIG_BENCH_ACL", "bucket-owner-full-control"),
        // What it speaks HTTP with takes no authorities of the environment.
        ("AWS_CA_BUNDLE", ""),
        ("HOME", home.as_str()),
    ];
    let of_put = [
        ("ENDPOINT", url.as_str()),
        ("BUCKET", bucket),
        ("ACCESS_KEY", access),
        ("SECRET_KEY", secret),
    ];
    let dir = from.display().to_string();
    let to = format!("s3://{bucket}/files/");
    let remote = format!("bench:{bucket}/files");
    let aws = [
        "s3",
        "cp",
        "--recursive",
        "--only-show-errors",
        "--endpoint-url",
        &url,
        &dir,
        &to,
    ];
    let all = format!("{dir}/");
    let s5cmd = ["--endpoint-url", &url, "--log", "error", "cp", &all, &to];
    let rclone = [
        "copy",
        // The server of the tests has no lists.
        "--no-check-dest",
        "--s3-no-check-bucket",
        "--transfers",
        "16",
        &dir,
        &remote,
    ];
    let script = bench.dir().join("single_put.mjs");
    fs::write(&script, SINGLE_PUT)?;
    let script = script.display().to_string();
    let pairs = files
        .iter()
        .flat_map(|name| [format!("{dir}/{name}"), format!("files/{name}")]);
    let pairs: Vec<String> = [script].into_iter().chain(pairs).collect();
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();

    let mut ways = Vec::new();
    let peers: [Peer<'_>; 4] = [
        ("aws s3 cp", "aws", &of_aws, words(&aws)),
        ("s5cmd cp", "s5cmd", &of_aws, words(&s5cmd)),
        ("rclone copy", "rclone", &of_rclone, words(&rclone)),
        ("single PUTs, as the incumbent", "node", &of_put, pairs),
    ];
    for (name, program, variables, arguments) in peers {
        let Some(program) = installed(program) else {
            report.say(&format!("{program} is not installed: left out\n"))?;
            continue;
        };
        let patience = ["timeout".to_owned(), PATIENCE.to_owned(), program];
        let command = [&patience[..], &arguments].concat();
        ways.push(way(name, with(variables, command)));
    }
    let spec = ours(bench, from)?;
    let variables = server.env();
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    ways.push(way(OURS, with(&variables, bench.command(&spec))));
    Ok(ways)
}

/// A peer: its name, its program, its variables and its arguments.
type Peer<'a> = (&'static str, &'a str, &'a [(&'a str, &'a str)], Stage);

fn way(name: &'static str, command: Stage) -> Way {
    Way {
        name,
        command,
        wall: Vec::new(),
        cpu: Vec::new(),
        rss: Vec::new(),
        requests: 0,
    }
}

/// A run that does nothing but store.
fn ours(bench: &Bench, from: &Path) -> io::Result<PathBuf> {
    let artifact: Value = json!({ "name": "files", "path": from, "key": "files/" });
    let spec = json!({
        "schemaVersion": "agents.proompteng.ai/runner/v1",
        "provider": "bench",
        "artifacts": { "statusPath": bench.dir().join("status.json") },
        "adapter": {
            "type": "exec",
            "exec": { "binary": "/bin/true", "outputArtifacts": [artifact] },
        },
    });
    let path = bench.dir().join("upload.json");
    fs::write(&path, spec.to_string())?;
    Ok(path)
}
