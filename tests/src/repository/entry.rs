//! What a commit changes, and the stream of `git fast-import` that says so.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// One path that a commit adds, changes or removes.
#[derive(Debug, Clone)]
pub struct Entry {
    path: Vec<u8>,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Blob {
        mode: &'static str,
        content: Vec<u8>,
    },
    Commit(String),
    Removed,
}

impl Entry {
    /// A file; the path may be of any bytes but NUL.
    pub fn file(path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        Self::blob(path.as_ref(), "100644", content.as_ref())
    }

    /// A file with the exec bit.
    pub fn executable(path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        Self::blob(path.as_ref(), "100755", content.as_ref())
    }

    /// A symbolic link to a target, which is not checked.
    pub fn link(path: impl AsRef<[u8]>, target: impl AsRef<Path>) -> Self {
        let target = target.as_ref().as_os_str().as_bytes();
        Self::blob(path.as_ref(), "120000", target)
    }

    /// A gitlink: the commit of a submodule, without its line in `.gitmodules`.
    pub fn gitlink(path: impl AsRef<[u8]>, commit: impl Into<String>) -> Self {
        Self {
            path: path.as_ref().to_vec(),
            what: What::Commit(commit.into()),
        }
    }

    /// A path that goes, with all that is below it.
    pub fn removed(path: impl AsRef<[u8]>) -> Self {
        Self {
            path: path.as_ref().to_vec(),
            what: What::Removed,
        }
    }

    fn blob(path: &[u8], mode: &'static str, content: &[u8]) -> Self {
        Self {
            path: path.to_vec(),
            what: What::Blob {
                mode,
                content: content.to_vec(),
            },
        }
    }

    /// Writes its command to the stream.
    pub(super) fn write(&self, stream: &mut dyn Write) -> io::Result<()> {
        match &self.what {
            What::Blob { mode, content } => {
                write!(stream, "M {mode} inline ")?;
                quote(&self.path, stream)?;
                writeln!(stream)?;
                data(content, stream)
            }
            What::Commit(commit) => {
                write!(stream, "M 160000 {commit} ")?;
                quote(&self.path, stream)?;
                writeln!(stream)
            }
            What::Removed => {
                write!(stream, "D ")?;
                quote(&self.path, stream)?;
                writeln!(stream)
            }
        }
    }
}

impl<P: AsRef<[u8]>, C: AsRef<[u8]>> From<(P, C)> for Entry {
    fn from((path, content): (P, C)) -> Self {
        Self::file(path, content)
    }
}

impl<P: AsRef<[u8]>, C: AsRef<[u8]>> From<&(P, C)> for Entry {
    fn from((path, content): &(P, C)) -> Self {
        Self::file(path, content)
    }
}

/// Writes a path as a quoted string of C, which can hold any byte.
fn quote(path: &[u8], stream: &mut dyn Write) -> io::Result<()> {
    write!(stream, "\"")?;
    for byte in path {
        write!(stream, "\\{byte:03o}")?;
    }
    write!(stream, "\"")
}

/// Writes content with its length before it.
pub(super) fn data(content: &[u8], stream: &mut dyn Write) -> io::Result<()> {
    writeln!(stream, "data {}", content.len())?;
    stream.write_all(content)?;
    writeln!(stream)
}
