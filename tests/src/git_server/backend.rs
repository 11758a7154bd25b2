//! The real `git http-backend`, as a CGI program.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use percent_encoding::percent_decode_str;

use super::http::{self, Head, Headers};
use super::listener::{HeldChild, Life};
use crate::repository::{git, hermetic};

/// Where the program is, and what it serves.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    program: PathBuf,
    root: PathBuf,
}

/// An answer of the program, of which the body is still to be read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: BufReader<ChildStdout>,
    /// Killed if the answer is dropped before its end.
    pub(super) child: HeldChild,
}

impl Backend {
    pub(super) fn new(root: &Path) -> Self {
        let program = Path::new(&git(root, ["--exec-path"])).join("git-http-backend");
        assert!(
            program.exists(),
            "`{}` is not there: a whole git is needed, see `tests/install`",
            program.display()
        );
        Self {
            program,
            root: root.to_owned(),
        }
    }

    /// Starts the program on a request, and reads the head of its answer.
    pub(super) fn answer(
        &self,
        head: &Head,
        (body, length): (File, u64),
        user: Option<&str>,
        life: &Life,
    ) -> io::Result<Answer> {
        let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let mut command = Command::new(&self.program);
        hermetic(&mut command, &self.root)
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REQUEST_METHOD", &head.method)
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("CONTENT_LENGTH", length.to_string())
            .env("REMOTE_ADDR", "127.0.0.1");
        for (variable, header) in [
            ("CONTENT_TYPE", "content-type"),
            // It unpacks bodies itself.
            ("HTTP_CONTENT_ENCODING", "content-encoding"),
            ("GIT_PROTOCOL", "git-protocol"),
        ] {
            if let Some(value) = head.header(header) {
                command.env(variable, value);
            }
        }
        if let Some(user) = user {
            command.env("REMOTE_USER", user);
        }
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        command
            .stdin(Stdio::from(body))
            .stdout(Stdio::piped())
            .stderr(Stdio::from(log));
        let mut child = life.spawn(&mut command)?;
        let stdout = child.child.stdout.take().expect("stdout is a pipe");
        let mut body = BufReader::with_capacity(1 << 16, stdout);
        let mut headers = http::read_headers(&mut body)?;
        let status = http::find(&headers, "status")
            .and_then(|value| value.get(..3)?.parse().ok())
            .unwrap_or(200);
        headers.retain(|(name, _)| {
            !["status", "content-length"].contains(&name.to_ascii_lowercase().as_str())
        });
        Ok(Answer {
            status,
            headers,
            body,
            child,
        })
    }

    /// What the program wrote to stderr.
    pub(super) fn log_file(&self) -> PathBuf {
        self.root.join("http-backend.log")
    }
}
