//! Bare repositories with known content, made by the git CLI.
//!
//! Author, committer and dates are fixed, so that the same calls give the same ids everywhere.
//!
//! ```no_run
//! use agent_tests::{Entry, Repository, checked_out, git};
//!
//! let repository = Repository::new()
//!     .commit("main", [("README", "hello\n"), ("src/lib.rs", "")])
//!     .commit("main", [Entry::executable("run", "#!/bin/sh\n"), Entry::link("link", "run")])
//!     .branch("topic", "main^")
//!     .tag("v1", "main")
//!     .config("uploadpack.allowAnySHA1InWant", "true");
//! let dir = tempfile::tempdir().unwrap();
//! git(dir.path(), ["clone", "--quiet", &repository.url(), "clone"]);
//! assert_eq!(checked_out(dir.path().join("clone")).commit, Some(repository.rev("main")));
//! ```

mod checked_out;
mod entry;
mod git;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use tempfile::TempDir;

pub use checked_out::{CheckedOut, Head, checked_out};
pub use entry::Entry;
use entry::data;
pub(crate) use git::hermetic;
pub use git::{Git, GitEnded, GitStarted, git, git_fails};

use self::git::EPOCH;

/// A bare repository in a directory of its own; gone with the last of it and its servers.
#[derive(Debug)]
pub struct Repository {
    dir: Arc<TempDir>,
    commits: u64,
}

impl Default for Repository {
    fn default() -> Self {
        Self::new()
    }
}

impl Repository {
    /// Makes an empty repository, whose `HEAD` is `main`.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        git(dir.path(), ["init", "--quiet", "--bare", "-b", "main", "."]);
        let repository = Self {
            dir: Arc::new(dir),
            commits: 0,
        };
        // Nothing is to work in the background when the directory goes.
        repository.config("gc.auto", "0")
    }

    /// The repository's own directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The `file://` URL of the repository.
    pub fn url(&self) -> String {
        format!("file://{}", self.dir().display())
    }

    /// Adds a commit to a branch, which is made if it is not there; what it does not name stays.
    #[must_use]
    pub fn commit<E: Into<Entry>>(
        self,
        branch: &str,
        entries: impl IntoIterator<Item = E>,
    ) -> Self {
        let entries: Vec<Entry> = entries.into_iter().map(Into::into).collect();
        self.import(branch, &[], |repository, stream| {
            repository.begin_commit(branch, Parent::Stored, stream)?;
            entries.iter().try_for_each(|entry| entry.write(stream))
        })
    }

    /// Adds so many commits to a branch; each changes the one line of the file `count`.
    #[must_use]
    pub fn history(self, branch: &str, commits: u64) -> Self {
        self.import(branch, &[], |repository, stream| {
            for number in 1..=commits {
                let parent = if number == 1 {
                    Parent::Stored
                } else {
                    Parent::InStream
                };
                repository.begin_commit(branch, parent, stream)?;
                Entry::file("count", format!("{number}\n")).write(stream)?;
            }
            Ok(())
        })
    }

    /// Adds a commit with so many files of so many bytes that do not compress.
    ///
    /// They are named `d0000/f000000` and so on, 100 in a directory; the same numbers give the
    /// same content.
    #[must_use]
    pub fn files(self, branch: &str, files: usize, bytes: usize) -> Self {
        // Neither compression nor deltas make random bytes shorter; both take time.
        let quick = ["-c", "core.compression=0"];
        self.import(branch, &quick, |repository, stream| {
            repository.begin_commit(branch, Parent::Stored, stream)?;
            let mut seed = 0x5eed;
            let mut content = vec![0; bytes];
            for file in 0..files {
                fill(&mut seed, &mut content);
                let path = format!("d{:04}/f{file:06}", file / 100);
                writeln!(stream, "M 100644 inline {path}")?;
                data(&content, stream)?;
            }
            Ok(())
        })
    }

    /// Adds a commit with a submodule: the gitlink, and a section in `.gitmodules`.
    #[must_use]
    pub fn submodule(self, branch: &str, path: &str, url: &str, commit: &str) -> Self {
        let before = Git::new(self.dir()).end(["show", &format!("{branch}:.gitmodules")]);
        let mut text = before.stdout;
        text.extend(
            format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n").into_bytes(),
        );
        self.commit(
            branch,
            [
                Entry::file(".gitmodules", text),
                Entry::gitlink(path, commit),
            ],
        )
    }

    /// Makes a branch at a revision, or moves it there.
    #[must_use]
    pub fn branch(self, name: &str, at: &str) -> Self {
        self.reference(&format!("refs/heads/{name}"), at)
    }

    /// Makes a lightweight tag.
    #[must_use]
    pub fn tag(self, name: &str, at: &str) -> Self {
        self.reference(&format!("refs/tags/{name}"), at)
    }

    /// Makes an annotated tag; `rev` of it is the id of the tag, `name^{commit}` the commit's.
    #[must_use]
    pub fn annotated_tag(self, name: &str, at: &str) -> Self {
        git(self.dir(), ["tag", "-a", "-m", "A tag", "--", name, at]);
        self
    }

    /// Makes any ref, such as `refs/pull/1/head`, or moves it.
    #[must_use]
    pub fn reference(self, name: &str, at: &str) -> Self {
        git(self.dir(), ["update-ref", name, &self.rev(at)]);
        self
    }

    /// Removes a ref by its whole name; what only it reached is still there to be asked for.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        git(self.dir(), ["update-ref", "-d", name]);
        self
    }

    /// Makes `HEAD` name a branch, which need not be there.
    #[must_use]
    pub fn default_branch(self, name: &str) -> Self {
        let name = format!("refs/heads/{name}");
        git(self.dir(), ["symbolic-ref", "HEAD", &name]);
        self
    }

    /// Sets a key of its configuration, such as `uploadpack.allowAnySHA1InWant`.
    #[must_use]
    pub fn config(self, key: &str, value: &str) -> Self {
        git(self.dir(), ["config", "--local", key, value]);
        self
    }

    /// Returns the id that a revision names; panics if it names none.
    pub fn rev(&self, name: &str) -> String {
        let args = ["rev-parse", "--verify", "--end-of-options", name];
        git(self.dir(), args)
    }

    /// Lists all its refs with their ids, to see what a push has done.
    pub fn refs(&self) -> BTreeMap<String, String> {
        checked_out::refs(self.dir(), "refs")
    }

    /// Puts it below a directory under its name; it stays for as long as what is returned.
    pub(crate) fn mount(&self, root: &Path, name: &str) -> Arc<TempDir> {
        let path = root.join(format!("{name}.git"));
        let above = path.parent().expect("it is below the root");
        std::fs::create_dir_all(above).expect("a temporary directory is writable");
        symlink(self.dir(), &path)
            .unwrap_or_else(|error| panic!("`{name}` cannot be served: {error}"));
        Arc::clone(&self.dir)
    }

    /// Writes the beginning of a commit.
    fn begin_commit(
        &mut self,
        branch: &str,
        parent: Parent,
        stream: &mut dyn Write,
    ) -> io::Result<()> {
        self.commits += 1;
        // Each a second after the one before, so that dates order them as they were made.
        let date = EPOCH + self.commits;
        writeln!(stream, "commit refs/heads/{branch}")?;
        writeln!(stream, "author Author <author@example.com> {date} +0000")?;
        writeln!(
            stream,
            "committer Committer <committer@example.com> {date} +0000"
        )?;
        data(format!("Commit {}\n", self.commits).as_bytes(), stream)?;
        if let Parent::Stored = parent
            && self.refs().contains_key(&format!("refs/heads/{branch}"))
        {
            writeln!(stream, "from refs/heads/{branch}^0")?;
        }
        Ok(())
    }

    /// Runs `git fast-import` on what `write` writes.
    fn import(
        mut self,
        branch: &str,
        config: &[&str],
        write: impl FnOnce(&mut Self, &mut dyn Write) -> io::Result<()>,
    ) -> Self {
        let import = ["fast-import", "--quiet", "--depth=0", "--date-format=raw"];
        let mut child = Git::new(self.dir())
            .command(config.iter().chain(&import))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git can be started");
        let stdin = child.stdin.take().expect("stdin is a pipe");
        let mut stream = BufWriter::with_capacity(1 << 16, stdin);
        let written = write(&mut self, &mut stream).and_then(|()| stream.flush());
        drop(stream);
        let ended = child.wait_with_output().expect("it is a child of ours");
        assert!(
            ended.status.success() && written.is_ok(),
            "the commit on `{branch}` could not be made ({written:?}):\n{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        self
    }
}

/// What the first parent of a commit is.
#[derive(Clone, Copy)]
enum Parent {
    /// The tip that the branch has in the repository, if it has one.
    Stored,
    /// The commit before it in the stream.
    InStream,
}

/// Fills a buffer with bytes that do not compress and are the same every time (splitmix64).
fn fill(seed: &mut u64, buffer: &mut [u8]) {
    for bytes in buffer.chunks_mut(8) {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = *seed;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
    }
}
