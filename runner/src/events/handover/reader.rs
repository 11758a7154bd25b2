//! Reading a file that somebody else may do anything with.

use std::collections::HashSet;
use std::fs::{File, Metadata, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use agent_plan::event::{Event, EventKind, Role};
use agent_plan::handover;
use nix::fcntl::OFlag;

use crate::events::queue::Queue;
use crate::veil::Veil;

/// The most lines of a run: one every nine seconds for a day.
const MOST_LINES: u64 = 10_000;

/// The most bytes of a run.
const MOST_BYTES: u64 = 16 << 20;

/// The most bytes in which lines are counted that nobody hears: it takes a tenth of a second.
const COUNTED: u64 = 256 << 20;

/// What is remembered of what was read last, to know whether it is the same file still.
const TAIL: usize = 256;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// Reads lines that nobody has heard.
pub(super) struct Reader {
    path: PathBuf,
    queue: Arc<Queue>,
    veil: Veil,
    file: Option<Open>,
    /// The beginning of a line.
    line: Vec<u8>,
    /// Whether that line is too long.
    is_skipped: bool,
    /// What was heard, as hashes.
    heard: HashSet<u64>,
    /// What of it was heard of the file as it is.
    heard_here: HashSet<u64>,
    hasher: RandomState,
    lines: u64,
    bytes: u64,
    too_long: u64,
    /// Lines that came when it was over.
    left_out: u64,
    is_over: bool,
}

struct Open {
    file: File,
    id: (u64, u64),
    offset: u64,
    /// The last bytes before the offset.
    tail: Vec<u8>,
}

impl Open {
    /// Whether what was read is not there any more: the file is shorter, or was written anew and is
    /// as long again or longer.
    fn is_another(&self) -> bool {
        let mut now = vec![0; self.tail.len()];
        let start = self.offset - now.len() as u64;
        match self.file.read_exact_at(&mut now, start) {
            Ok(()) => now != self.tail,
            Err(error) => error.kind() == io::ErrorKind::UnexpectedEof,
        }
    }

    fn took(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.tail.extend_from_slice(bytes);
        let too_much = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..too_much);
    }
}

impl Reader {
    pub(super) fn new(path: PathBuf, queue: Arc<Queue>, veil: Veil) -> Self {
        Self {
            path,
            queue,
            veil,
            file: None,
            line: Vec::new(),
            is_skipped: false,
            heard: HashSet::new(),
            heard_here: HashSet::new(),
            hasher: RandomState::new(),
            lines: 0,
            bytes: 0,
            too_long: 0,
            left_out: 0,
            is_over: false,
        }
    }

    /// Hears what is new, if there is room for it.
    pub(super) fn look(&mut self) {
        if self.queue.has_room() {
            self.hear();
        }
    }

    /// Hears what is left, a last line without a newline too, and says what was not heard.
    pub(super) fn last_look(&mut self) {
        self.hear();
        if self.is_over {
            self.count_rest();
        } else {
            self.line_ends();
        }
        self.say_dropped(self.too_long, "too-long", "a line may have 1 MiB");
        let most = "10,000 lines and 16 MiB are heard";
        self.say_dropped(self.left_out, "too-much", most);
        // It may be gone, or a directory by now.
        drop(std::fs::remove_file(&self.path));
    }

    fn say_dropped(&self, count: u64, reason: &str, why: &str) {
        if count == 0 {
            return;
        }
        self.queue.count_dropped(count);
        let content = format!("of what the agent handed over, {count} dropped: {why}");
        self.say(
            Event::new(EventKind::Status, Role::System, content)
                .with("dropped", count)
                .with("reason", reason),
        );
    }

    /// Counts the lines that nobody hears, from the end of the one that has begun.
    fn count_rest(&mut self) {
        let mut has_begun = !self.line.is_empty();
        let Some(open) = &mut self.file else { return };
        let mut chunk = vec![0; CHUNK];
        let mut left = COUNTED;
        while left > 0
            && let Ok(count @ 1..) = open.file.read_at(&mut chunk, open.offset)
        {
            open.offset += count as u64;
            left = left.saturating_sub(count as u64);
            let lines = chunk[..count].iter().filter(|byte| **byte == b'\n');
            self.left_out += lines.count() as u64;
            has_begun = chunk[count - 1] != b'\n';
        }
        self.left_out += u64::from(has_begun);
    }

    fn hear(&mut self) {
        self.read();
        let there = std::fs::symlink_metadata(&self.path);
        let is_other = |open: &Open| there.as_ref().is_ok_and(|there| id(there) != open.id);
        if self.file.as_ref().is_none_or(is_other)
            && let Ok(open) = self.open()
        {
            // What the old file had is read: nothing is added to its last line any more.
            self.line_ends();
            self.begin();
            self.file = Some(open);
            self.read();
        }
    }

    fn open(&self) -> io::Result<Open> {
        // A link could lead to what we may read and the agent may not, and a FIFO would keep us.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits())
            .open(&self.path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Open {
            file,
            id: id(&metadata),
            offset: 0,
            tail: Vec::new(),
        })
    }

    /// The file is read from its beginning.
    fn begin(&mut self) {
        self.line.clear();
        self.is_skipped = false;
        self.heard.extend(self.heard_here.drain());
    }

    /// Reads what the open file has more than before.
    fn read(&mut self) {
        let Some(open) = &mut self.file else { return };
        if open.is_another() {
            open.offset = 0;
            open.tail.clear();
            self.begin();
        }
        let mut chunk = vec![0; CHUNK];
        while !self.is_over
            && let Some(open) = &mut self.file
        {
            let count = match open.file.read_at(&mut chunk, open.offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // It is tried again at the next look.
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            open.took(&chunk[..count]);
            self.bytes += count as u64;
            self.take(&chunk[..count]);
            if self.bytes > MOST_BYTES {
                self.is_over();
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = piece.strip_suffix(b"\n");
            if !self.is_skipped {
                self.line.extend_from_slice(text.unwrap_or(piece));
                self.is_skipped = self.line.len() > handover::MAX_LINE;
            }
            if text.is_some() {
                self.line_ends();
            }
        }
    }

    fn line_ends(&mut self) {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_skipped) {
            self.too_long += 1;
            return;
        }
        if self.is_over {
            self.left_out += 1;
            return;
        }
        let hash = self.hasher.hash_one(&line);
        let Some(event) = handover::event(&String::from_utf8_lossy(&line)) else {
            return;
        };
        // Whoever adds a line by writing the file anew has not said the others twice.
        if self.heard.contains(&hash) {
            return;
        }
        if self.lines == MOST_LINES {
            self.left_out += 1;
            return self.is_over();
        }
        self.lines += 1;
        self.heard_here.insert(hash);
        self.say(event);
    }

    fn say(&self, event: Event) {
        self.queue.event(self.veil.event(event));
    }

    /// Notes that there is more than is heard; how much is said at the end.
    fn is_over(&mut self) {
        self.is_over = true;
        tracing::warn!(
            lines = self.lines,
            bytes = self.bytes,
            "Agent handed too much over."
        );
    }
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
