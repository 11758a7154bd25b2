//! The git CLI, with nothing of this machine in its configuration.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::DEADLINE;

/// Where executables are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The second since the epoch at which everything happens that git dates.
pub(crate) const EPOCH: u64 = 1_700_000_000;

/// Keeps a git, and whatever it starts, from reading anything but its repository.
pub(crate) fn hermetic<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    let date = format!("{EPOCH} +0000");
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Author")
        .env("GIT_AUTHOR_EMAIL", "author@example.com")
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_NAME", "Committer")
        .env("GIT_COMMITTER_EMAIL", "committer@example.com")
        .env("GIT_COMMITTER_DATE", &date)
}

/// The git CLI in a directory, with its own environment.
///
/// ```no_run
/// use agent_tests::{Git, GitServer, Repository};
///
/// let repository = Repository::new().commit("main", [("README", "hello\n")]);
/// let server = GitServer::new().serve("owner/name", &repository).tls();
/// let dir = tempfile::tempdir().unwrap();
/// Git::new(dir.path())
///     .env("GIT_SSL_CAINFO", server.ca_file())
///     .run(["clone", &server.url("owner/name"), "clone"]);
/// ```
#[derive(Debug, Clone)]
pub struct Git {
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
}

/// A git CLI under way; killed with its helpers when dropped.
#[derive(Debug)]
pub struct GitStarted {
    child: Child,
    what: String,
    streams: [Receiver<Vec<u8>>; 2],
    begun: Instant,
}

/// A git CLI that has ended.
#[derive(Debug)]
pub struct GitEnded {
    /// Whether it exited with 0.
    pub success: bool,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: String,
    /// Its arguments, for messages.
    what: String,
}

impl Git {
    /// Runs in this directory, which must be there.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            env: Vec::new(),
        }
    }

    /// Sets a variable; the environment has nothing else of the test's.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Returns the command, to be started by the caller.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("git");
        hermetic(&mut command, &self.dir)
            .args(args)
            .current_dir(&self.dir)
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it and does not wait.
    pub fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> GitStarted {
        let mut command = self.command(args);
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let what = format!("git {}", words.join(" "));
        // Its own group: the helpers that it starts for a transport are killed with it.
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "`{what}` in `{}` cannot be started: {error}",
                    self.dir.display()
                )
            });
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        GitStarted {
            child,
            what,
            streams: [collect(stdout), collect(stderr)],
            begun: Instant::now(),
        }
    }

    /// Starts it and waits for its end, good or bad.
    pub fn end<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> GitEnded {
        self.start(args).end()
    }

    /// Runs it, and returns its stdout without the last newline; panics if it fails.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        self.end(args).succeeded()
    }

    /// Runs it, and returns its stderr; panics if it succeeds.
    pub fn fails<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        self.end(args).failed()
    }
}

impl GitStarted {
    /// Returns whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("it is a child of ours")
            .is_none()
    }

    /// Waits for its end; panics when the deadline passes.
    pub fn end(mut self) -> GitEnded {
        let [stdout, stderr] = [0, 1].map(|stream| {
            let left = DEADLINE.saturating_sub(self.begun.elapsed());
            self.streams[stream]
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("`{}` has not ended within {DEADLINE:?}", self.what))
        });
        let status = self.child.wait().expect("it is a child of ours");
        GitEnded {
            success: status.success(),
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            what: self.what.clone(),
        }
    }
}

impl Drop for GitStarted {
    fn drop(&mut self) {
        let group = self.child.id().cast_signed();
        if matches!(self.child.try_wait(), Ok(None)) {
            // Errors mean that it is gone, which is what is wanted.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            drop(self.child.wait());
        }
    }
}

impl GitEnded {
    /// Returns its stdout without the last newline; panics if it has failed.
    pub fn succeeded(self) -> String {
        assert!(self.success, "`{}` failed:\n{}", self.what, self.stderr);
        let text = String::from_utf8_lossy(&self.stdout);
        text.strip_suffix('\n').unwrap_or(&text).to_owned()
    }

    /// Returns its stderr; panics if it has succeeded.
    pub fn failed(self) -> String {
        assert!(!self.success, "`{}` succeeded", self.what);
        self.stderr
    }
}

/// Runs the git CLI hermetically and returns its stdout without the last newline.
///
/// # Panics
///
/// Panics with git's own words if it fails.
pub fn git<S: AsRef<OsStr>>(dir: impl AsRef<Path>, args: impl IntoIterator<Item = S>) -> String {
    Git::new(dir.as_ref()).run(args)
}

/// Runs the git CLI hermetically and returns its stderr.
///
/// # Panics
///
/// Panics if it succeeds.
pub fn git_fails<S: AsRef<OsStr>>(
    dir: impl AsRef<Path>,
    args: impl IntoIterator<Item = S>,
) -> String {
    Git::new(dir.as_ref()).fails(args)
}

/// Reads a pipe to its end on a thread, which ends when all writers have.
fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (whole, read) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is what there is to look at.
        drop(pipe.read_to_end(&mut bytes));
        // Nobody listens when the test has given up.
        drop(whole.send(bytes));
    });
    read
}
