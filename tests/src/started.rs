//! A run that was started, and one that has ended.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::DEADLINE;
use crate::processes::{descendants_of, processes_with, wait_until};

/// What has come out of one of its streams so far.
type Collected = Arc<Mutex<Vec<u8>>>;

/// A run under way; killed with all its descendants when dropped.
#[derive(Debug)]
pub struct Started {
    child: Child,
    dir: TempDir,
    stdout: Collected,
    stderr: Collected,
    readers: Vec<JoinHandle<()>>,
    status_path: Option<PathBuf>,
    log_path: Option<PathBuf>,
    begun: Instant,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; 128 + the signal if one ended the runner itself.
    pub code: i32,
    /// The status file, or null if there is none.
    pub status: Value,
    /// The bytes of the status file.
    pub status_bytes: Vec<u8>,
    /// The complete status, or null if there is none.
    pub full: Value,
    /// What was written to stdout.
    pub stdout: Vec<u8>,
    /// What was written to stderr, our own log among it.
    pub stderr: String,
    /// The log of the agent's output.
    pub log: Vec<u8>,
    /// Wall time from start to end.
    pub took: Duration,
    /// The run's own directory, kept until this is dropped.
    pub dir: TempDir,
}

impl Started {
    pub(crate) fn spawn(
        mut command: Command,
        dir: TempDir,
        stdin: Option<Vec<u8>>,
        spec: &Value,
    ) -> Self {
        let begun = Instant::now();
        let mut child = command.spawn().expect("the runner can be started");
        let (stdout, stderr) = (Collected::default(), Collected::default());
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|pipe| collect(pipe, &stdout)));
        readers.extend(child.stderr.take().map(|pipe| collect(pipe, &stderr)));
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), stdin) {
            readers.push(std::thread::spawn(move || drop(pipe.write_all(&bytes))));
        }
        let path = |pointer: &str| {
            spec.pointer(pointer)
                .and_then(Value::as_str)
                .map(|path| dir.path().join(path))
        };
        let (status_path, log_path) = (path("/artifacts/statusPath"), path("/artifacts/logPath"));
        Self {
            child,
            dir,
            stdout,
            stderr,
            readers,
            status_path,
            log_path,
            begun,
        }
    }

    /// The runner's own process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("the kernel's ids are i32"))
    }

    /// Returns a path in the run's own directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What has come out on stdout so far.
    pub fn stdout(&self) -> Vec<u8> {
        self.stdout
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until stdout has a text.
    #[track_caller]
    pub fn await_stdout(&self, text: &str) {
        let has = || {
            self.stdout()
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        assert!(
            wait_until(DEADLINE, has),
            "`{text}` never came; stdout: {:?}",
            String::from_utf8_lossy(&self.stdout())
        );
    }

    /// Waits until a file exists.
    #[track_caller]
    pub fn await_file(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        assert!(
            wait_until(DEADLINE, || path.exists()),
            "`{}` never came",
            path.display()
        );
    }

    /// Sends a signal to the runner.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the runner is there to get a signal");
    }

    /// Every living descendant of the runner.
    pub fn descendants(&self) -> Vec<(i32, String)> {
        descendants_of(self.pid().as_raw())
    }

    /// Waits for the end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        let exit = self.wait();
        let took = self.begun.elapsed();
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
        let read = |path: &Option<PathBuf>| {
            path.as_ref()
                // A device such as /dev/full would be read without end.
                .filter(|path| path.is_file())
                .and_then(|path| std::fs::read(path).ok())
                .unwrap_or_default()
        };
        let status_bytes = read(&self.status_path);
        let full = read(
            &self
                .status_path
                .as_ref()
                .map(|path| path.with_file_name("status.full.json")),
        );
        Ended {
            code: code_of(exit),
            status: serde_json::from_slice(&status_bytes).unwrap_or(Value::Null),
            status_bytes,
            full: serde_json::from_slice(&full).unwrap_or(Value::Null),
            stdout: self.stdout(),
            stderr: String::from_utf8_lossy(
                &self.stderr.lock().unwrap_or_else(PoisonError::into_inner),
            )
            .into_owned(),
            log: read(&self.log_path),
            took,
            dir: std::mem::replace(
                &mut self.dir,
                tempfile::tempdir().expect("a temporary directory can be made"),
            ),
        }
    }

    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let mut exit = None;
        let ended = wait_until(DEADLINE, || {
            exit = self.child.try_wait().expect("the runner is our child");
            exit.is_some()
        });
        assert!(
            ended,
            "the runner did not end; stderr: {}",
            String::from_utf8_lossy(&self.stderr.lock().unwrap_or_else(PoisonError::into_inner))
        );
        exit.expect("it has ended")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        for (pid, _) in self.descendants() {
            // It may have ended meanwhile.
            let _: nix::Result<()> = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Ended {
    /// A counter of the status' `process`; absent is zero.
    pub fn counted(&self, name: &str) -> usize {
        let count = self.status["process"][name].as_u64().unwrap_or(0);
        usize::try_from(count).expect("it fits")
    }

    /// The outcome of the status.
    pub fn outcome(&self) -> &str {
        self.status["outcome"].as_str().unwrap_or_default()
    }

    /// The reason of the status.
    pub fn reason(&self) -> &str {
        self.status["reason"].as_str().unwrap_or_default()
    }

    /// The error of the status.
    pub fn error(&self) -> &str {
        self.status["error"].as_str().unwrap_or_default()
    }

    /// What the agent wrote to stdout, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Every process of the run that is still alive, as pid and name.
    pub fn survivors(&self) -> Vec<(i32, String)> {
        processes_with(self.dir.path())
    }

    /// Asserts what the controller's parser asks of a status file (contract §7.1).
    #[track_caller]
    pub fn assert_the_controller_reads_it(&self) {
        let text = std::str::from_utf8(&self.status_bytes)
            .expect("the status is UTF-8")
            .trim();
        assert!(text.starts_with('{'), "it begins with a brace: {text}");
        assert!(
            self.status_bytes.len() <= 4000,
            "the kubelet keeps 4096 bytes, this has {}",
            self.status_bytes.len()
        );
        let status: Value = serde_json::from_str(text).expect("the status is JSON");
        let word = status["status"].as_str().unwrap_or_default();
        assert!(
            ["succeeded", "failed", "cancelled"].contains(&word),
            "status is `{word}`"
        );
        assert!(status["exitCode"].is_number());
        assert_eq!(
            status["exitCode"].as_i64(),
            Some(self.code.into()),
            "file and process agree"
        );
        assert!(status["signal"].is_string() || status["signal"].is_null());
        assert!(
            status["error"]
                .as_str()
                .is_none_or(|error| error.chars().count() <= 640)
        );
        assert_eq!(word == "succeeded", self.code == 0);
    }
}

fn code_of(exit: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    exit.code()
        .or_else(|| exit.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

fn collect(mut pipe: impl Read + Send + 'static, to: &Collected) -> JoinHandle<()> {
    let to = Arc::clone(to);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            to.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(&buffer[..count]);
        }
    })
}
