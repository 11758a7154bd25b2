//! A file that gets its name when it is whole.

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{File, Part, WipError};

/// A file of its own name, 0600, which is removed unless it is kept.
pub(super) struct Output {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
    part: Part,
    bytes: u64,
}

impl Output {
    pub(super) fn new(into: &Path, part: Part) -> Result<Self, WipError> {
        let path = into.join(part.file_name());
        match temporary(into) {
            Ok(file) => Ok(Self {
                file: BufWriter::with_capacity(64 * 1024, file),
                path,
                part,
                bytes: 0,
            }),
            Err(source) => Err(WipError::Write { path, source }),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), WipError> {
        self.bytes += bytes.len() as u64;
        let written = self.file.write_all(bytes);
        written.map_err(|source| self.failed(source))
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes
    }

    /// Takes back everything after the first `bytes`.
    pub(super) fn cut(&mut self, bytes: u64) -> Result<(), WipError> {
        let cut = self.file.flush().and_then(|()| {
            let file = self.file.get_mut().as_file_mut();
            file.set_len(bytes)?;
            file.seek(SeekFrom::Start(bytes))
        });
        self.bytes = bytes;
        cut.map(drop).map_err(|source| self.failed(source))
    }

    /// Gives the file its name.
    pub(super) fn keep(self) -> Result<File, WipError> {
        let Self {
            file,
            path,
            part,
            bytes,
        } = self;
        let kept = match file.into_inner() {
            Ok(file) => file.persist(&path).map_err(|error| error.error),
            Err(error) => Err(error.into_error()),
        };
        match kept {
            Ok(_) => Ok(File {
                name: part.file_name(),
                bytes,
            }),
            Err(source) => Err(WipError::Write { path, source }),
        }
    }

    pub(super) fn failed(&self, source: std::io::Error) -> WipError {
        WipError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// Makes a file with a name that nobody takes for a result.
pub(super) fn temporary(into: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".workspace-wip-")
        .tempfile_in(into)
}
