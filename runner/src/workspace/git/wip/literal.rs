//! The whole content of a file, as a binary patch of any size in little memory.
//!
//! The data of a binary patch is a zlib stream in base 85. Here the stream is one of stored blocks:
//! a quarter more than the file, and no compressor, no window, no second copy.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use agent_plan::secret::End;
use git2::{FileMode, ObjectType, Oid};
use tempfile::NamedTempFile;

use super::super::summary::{SummaryError, open};
use super::output::{Output, temporary};
use super::{Part, Saving, WipError};

/// Bytes read at once; also of a stored block, which has at most 65535.
const PIECE: usize = 32 * 1024;

/// Bytes in which git looks for a NUL to tell binary files from text.
const SNIFFED: usize = 8000;

/// Bytes of a line before they are encoded.
const LINE: usize = 52;

const ALPHABET: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// New content of a file, clean, in a file of ours.
pub(super) struct Content {
    file: NamedTempFile,
    bytes: u64,
    pub(super) id: Oid,
}

impl Content {
    /// Copies what is at `path` of the work tree; secrets in text are replaced.
    pub(super) fn of(
        path: &Path,
        mode: FileMode,
        saving: &mut Saving<'_>,
    ) -> Result<Self, WipError> {
        let part = Part::Changes;
        let reading = WipError::reading(part);
        let failed = |source| WipError::Write {
            path: saving.into.join(part.file_name()),
            source,
        };
        let mut file = temporary(saving.into).map_err(failed)?;
        let mut redaction = saving.redactor.stream();
        if mode == FileMode::Link {
            let target = fs::read_link(path)
                .map_err(SummaryError::read(path))
                .map_err(&reading)?;
            let mut written = Ok(());
            redaction.scan(target.as_os_str().as_bytes(), End::Yes, &mut |piece| {
                written = written
                    .as_ref()
                    .map_or_else(|_| Ok(()), |()| file.write_all(piece));
            });
            written.map_err(failed)?;
        } else {
            let source = open(path).map_err(&reading)?.ok_or_else(|| {
                let gone = io::Error::from(io::ErrorKind::NotFound);
                reading(SummaryError::read(path)(gone))
            })?;
            copy(source, path, &mut file, &mut redaction, saving)?;
        }
        let bytes = file.stream_position().map_err(failed)?;
        let id = Oid::hash_file(ObjectType::Blob, file.path())
            .map_err(SummaryError::damaged("the new content"))
            .map_err(&reading)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        saving.count(&redaction.replaced());
        Ok(Self { file, bytes, id })
    }

    /// Writes it as the only hunk of a binary patch.
    pub(super) fn write(
        mut self,
        saving: &Saving<'_>,
        output: &mut Output,
    ) -> Result<(), WipError> {
        let mut encoder = Encoder::start(output, self.bytes)?;
        let mut piece = vec![0; PIECE];
        let mut left = self.bytes;
        let mut sum = Adler::default();
        // A stream has at least one block, and only the last says so.
        loop {
            if (saving.stop)() {
                return Err(WipError::Stopped {
                    part: Part::Changes,
                });
            }
            let length = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
            self.file
                .read_exact(&mut piece[..length])
                .map_err(|source| encoder.output.failed(source))?;
            left -= length as u64;
            sum.add(&piece[..length]);
            // `PIECE` fits into 16 bits.
            let size = u16::try_from(length).unwrap_or(u16::MAX);
            encoder.push(&[u8::from(left == 0)])?;
            encoder.push(&size.to_le_bytes())?;
            encoder.push(&(!size).to_le_bytes())?;
            encoder.push(&piece[..length])?;
            if left == 0 {
                break;
            }
        }
        encoder.push(&sum.value().to_be_bytes())?;
        encoder.finish()
    }
}

fn copy(
    mut source: fs::File,
    path: &Path,
    into: &mut NamedTempFile,
    redaction: &mut agent_plan::secret::Stream,
    saving: &Saving<'_>,
) -> Result<(), WipError> {
    let part = Part::Changes;
    let reading = WipError::reading(part);
    let mut is_text = None;
    let mut held = Vec::with_capacity(2 * PIECE);
    loop {
        if (saving.stop)() {
            return Err(WipError::Stopped { part });
        }
        let before = held.len();
        (&mut source)
            .take(PIECE as u64)
            .read_to_end(&mut held)
            .map_err(SummaryError::read(path))
            .map_err(&reading)?;
        let end = if held.len() == before {
            End::Yes
        } else {
            End::No
        };
        let is_text =
            *is_text.get_or_insert_with(|| !held.iter().take(SNIFFED).any(|byte| *byte == 0));
        let mut written = Ok(());
        let mut write = |bytes: &[u8]| {
            if written.is_ok() {
                written = into.write_all(bytes);
            }
        };
        let done = if is_text {
            redaction.scan(&held, end, &mut write)
        } else {
            write(&held);
            held.len()
        };
        written.map_err(|source| WipError::Write {
            path: saving.into.join(part.file_name()),
            source,
        })?;
        held.drain(..done);
        if end == End::Yes {
            return Ok(());
        }
    }
}

/// Turns bytes into lines of base 85.
struct Encoder<'o> {
    output: &'o mut Output,
    line: Vec<u8>,
}

impl<'o> Encoder<'o> {
    fn start(output: &'o mut Output, bytes: u64) -> Result<Self, WipError> {
        output.push(format!("GIT binary patch\nliteral {bytes}\n").as_bytes())?;
        let mut encoder = Self {
            output,
            line: Vec::with_capacity(LINE),
        };
        // The header of a zlib stream that was not compressed.
        encoder.push(&[0x78, 0x01])?;
        Ok(encoder)
    }

    fn push(&mut self, mut bytes: &[u8]) -> Result<(), WipError> {
        while !bytes.is_empty() {
            let room = (LINE - self.line.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.line.extend_from_slice(now);
            bytes = later;
            if self.line.len() == LINE {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WipError> {
        // At most `LINE`, and 1 to 26 are A to Z, 27 to 52 are a to z.
        let length = u8::try_from(self.line.len()).unwrap_or_default();
        let mut text = Vec::with_capacity(1 + LINE / 4 * 5 + 1);
        text.push(if length <= 26 {
            b'A' + length - 1
        } else {
            b'a' + length - 27
        });
        for group in self.line.chunks(4) {
            let mut word = [0; 4];
            word[..group.len()].copy_from_slice(group);
            let mut value = u32::from_be_bytes(word);
            let mut digits = [0; 5];
            for digit in digits.iter_mut().rev() {
                *digit = ALPHABET[(value % 85) as usize];
                value /= 85;
            }
            text.extend_from_slice(&digits);
        }
        text.push(b'\n');
        self.line.clear();
        self.output.push(&text)
    }

    fn finish(mut self) -> Result<(), WipError> {
        if !self.line.is_empty() {
            self.flush()?;
        }
        self.output.push(b"\n")
    }
}

/// The checksum of a zlib stream.
struct Adler {
    low: u32,
    high: u32,
}

impl Default for Adler {
    fn default() -> Self {
        Self { low: 1, high: 0 }
    }
}

impl Adler {
    fn add(&mut self, bytes: &[u8]) {
        // 5552 is the most that cannot overflow before it is reduced (zlib's NMAX).
        for piece in bytes.chunks(5552) {
            for byte in piece {
                self.low += u32::from(*byte);
                self.high += self.low;
            }
            self.low %= 65521;
            self.high %= 65521;
        }
    }

    fn value(&self) -> u32 {
        self.high << 16 | self.low
    }
}
