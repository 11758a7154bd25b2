//! How much of a journal is acknowledged: a number in a file beside it.
//!
//! It is never synced and may be behind: then a successor publishes some records once more, under
//! the ids that they had. It is there only if the journal was to be published: what a journal
//! without it has is owed to nobody.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::open::regular;

/// The file.
#[derive(Debug)]
pub(super) struct Acked {
    file: File,
    stored: u64,
}

impl Acked {
    /// Opens it for a journal, if it is there.
    pub(super) fn find(journal: &Path) -> io::Result<Option<Self>> {
        match std::fs::symlink_metadata(beside(journal)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Self::open(journal).map(Some),
        }
    }

    /// Opens it for a journal; it is made if it is not there.
    pub(super) fn open(journal: &Path) -> io::Result<Self> {
        let file = regular(&beside(journal))?;
        let mut text = String::new();
        // The first line: what is behind it, if anything, is not ours.
        let read = (&file).take(LENGTH).read_to_string(&mut text);
        let line = read.ok().and_then(|_| text.split_once('\n'));
        let stored = line.and_then(|(number, _)| number.parse().ok());
        Ok(Self {
            file,
            stored: stored.unwrap_or(0),
        })
    }

    /// Removes it, because the journal is not to be published any more.
    pub(super) fn remove(journal: &Path) -> io::Result<()> {
        std::fs::remove_file(beside(journal))
    }

    /// The offset that it says.
    pub(super) fn stored(&self) -> u64 {
        self.stored
    }

    /// Says another.
    pub(super) fn store(&mut self, offset: u64) -> io::Result<()> {
        if self.stored != offset {
            // Always as long, so that one write replaces all of it.
            self.file
                .write_all_at(format!("{offset:020}\n").as_bytes(), 0)?;
            self.stored = offset;
        }
        Ok(())
    }
}

/// Digits of the largest number, and a newline.
const LENGTH: u64 = 21;

fn beside(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".acked");
    name.into()
}
