//! The journal: a file of JSON lines, for a successor and for whoever wants to know.
//!
//! # Theory of operation
//!
//! All of this is done by the writer's thread, because any of it may wait for a disk. Opening
//! ([`mod@open`]) looks at what a predecessor left ([`recovery`]), cuts off what a crash tore, decides
//! which attempt this is ([`attempt`]), and has the header on disk before anything else happens.
//! What is acknowledged is a number in a file of its own ([`acked`]).
//!
//! Lines are written where the last whole line ends, not wherever the file ends: what a full disk
//! tore is overwritten even if it cannot be cut off.

mod acked;
mod attempt;
mod open;
mod recovery;

pub(super) use attempt::{Asked, made_up_uid};
pub(super) use open::{Opened, Wanted, open};

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backlog::Stored;
use acked::Acked;

/// A journal that is open.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    path: PathBuf,
    /// Whether it is gone with the run.
    private: bool,
    /// Behind its last whole line.
    length: u64,
    /// The line of this attempt's header, until it is on disk.
    header: Option<Vec<u8>>,
    acked: Option<Acked>,
}

/// What an append achieved.
#[derive(Debug)]
pub(super) struct Appended {
    /// What is in the file; it ends with a line.
    pub(super) stored: Stored,
    /// Why that is not all.
    pub(super) problem: Option<io::Error>,
}

impl Journal {
    /// Appends whole lines, as many as the disk takes, behind the header if it is not there yet.
    pub(super) fn append(&mut self, lines: &[u8]) -> Appended {
        let mut problem = None;
        if let Some(header) = self.header.take() {
            let (written, failed) = self.put(&header);
            problem = failed;
            if written < header.len() {
                self.header = Some(header);
            }
        }
        let offset = self.length;
        let mut bytes = 0;
        if problem.is_none() {
            (bytes, problem) = self.put(lines);
        }
        let bytes = bytes as u64;
        Appended {
            stored: Stored { bytes, offset },
            problem,
        }
    }

    /// Writes lines at the end; returns how many bytes of whole lines are there.
    fn put(&mut self, lines: &[u8]) -> (usize, Option<io::Error>) {
        let mut done = 0;
        let problem = loop {
            if done == lines.len() {
                break None;
            }
            match self
                .file
                .write_at(&lines[done..], self.length + done as u64)
            {
                Ok(0) => break Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        let newline = lines[..done].iter().rposition(|byte| *byte == b'\n');
        let whole = newline.map_or(0, |newline| newline + 1);
        self.length += whole as u64;
        if whole < done {
            // If it stays, the next line is written over it, or a successor cuts it off.
            drop(self.file.set_len(self.length));
        }
        (whole, problem)
    }

    /// Waits until the disk has what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Keeps for a successor what is delivered, as an offset.
    pub(super) fn acknowledge(&mut self, offset: u64) -> io::Result<()> {
        match &mut self.acked {
            Some(acked) => acked.store(offset),
            None => Ok(()),
        }
    }

    /// Where it is, unless it is gone with the run.
    pub(super) fn path(&self) -> Option<&Path> {
        (!self.private).then_some(&self.path)
    }

    /// Whether somebody took its name away; what is written still reaches those who read through us.
    pub(super) fn is_gone(&self) -> bool {
        let ours = self.file.metadata().map(|ours| (ours.dev(), ours.ino()));
        let there = std::fs::symlink_metadata(&self.path).map(|there| (there.dev(), there.ino()));
        !matches!((ours, there), (Ok(ours), Ok(there)) if ours == there)
    }

    /// Removes what is not to outlive the run, and what somebody else wrote behind our last line: an
    /// agent with our uid can, and a successor is not to publish that as ours.
    pub(super) fn close(self) {
        if self.private {
            // It is in a directory of ours that only we can read, and holds no secret.
            drop(std::fs::remove_file(&self.path));
        } else if self
            .file
            .metadata()
            .is_ok_and(|now| now.len() > self.length)
        {
            // If it stays, a successor takes only what has our ids.
            drop(self.file.set_len(self.length));
        }
    }
}

#[cfg(test)]
mod tests;
