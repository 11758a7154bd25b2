//! The work tree on disk, by directory handles: no symbolic link is followed, in no component.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};
use std::ffi::OsStr;

/// A file that is being written has this name until it is whole; a kill may leave one behind.
const PARTIAL: &str = ".agent-runner-partial";

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory {
    fd: OwnedFd,
    /// The file system that it is on.
    device: u64,
}

/// What becomes of a directory that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// Nothing.
    Leave,
    /// It is made, for everybody that the umask allows.
    Make,
    /// It is made, for us alone; whatever else has its name gives way.
    MakePrivate,
}

/// What was found under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A socket, a pipe or a device.
    Special,
}

fn name(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

impl Directory {
    /// Opens the directory at `path`, which is taken as it is, links included.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Self::new(open(path, flags, Mode::empty())?)
    }

    fn new(fd: OwnedFd) -> io::Result<Self> {
        let device = fstat(&fd)?.st_dev;
        Ok(Self { fd, device })
    }

    /// Opens a directory in it, if there is one: not a link, and not a mount of the pod's.
    pub(super) fn enter(&self, part: &[u8]) -> io::Result<Option<Self>> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&self.fd, name(part), flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Self::new(fd)?).filter(|below| below.device == self.device)),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn enter_or_make(&self, part: &[u8], absent: Absent) -> io::Result<Option<Self>> {
        if let Some(below) = self.enter(part)? {
            return Ok(Some(below));
        }
        let mode = match absent {
            Absent::Leave => return Ok(None),
            Absent::Make => Mode::from_bits_truncate(0o777),
            Absent::MakePrivate => {
                self.step_aside(part)?;
                Mode::S_IRWXU
            }
        };
        match mkdirat(&self.fd, name(part), mode) {
            Ok(()) | Err(Errno::EEXIST) => self.enter(part),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the directory at `path` below it; an empty path is itself.
    pub(super) fn descend(
        &self,
        path: &[u8],
        absent: impl Fn(&[u8]) -> Absent,
    ) -> io::Result<Option<Self>> {
        let mut at = Self::new(self.fd.try_clone()?)?;
        let mut end = 0;
        for part in path
            .split(|byte| *byte == b'/')
            .filter(|part| !part.is_empty())
        {
            end += part.len() + usize::from(end > 0);
            match at.enter_or_make(part, absent(&path[..end]))? {
                Some(below) => at = below,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Lists what is in it.
    pub(super) fn list(&self) -> io::Result<Vec<(Vec<u8>, Kind)>> {
        // The link in /proc is the open directory itself, whatever has its name by now.
        let entries = fs::read_dir(format!("/proc/self/fd/{}", self.fd.as_raw_fd()))?;
        entries
            .map(|entry| {
                let entry = entry?;
                let kind = match entry.file_type()? {
                    kind if kind.is_file() => Kind::File,
                    kind if kind.is_dir() => Kind::Directory,
                    kind if kind.is_symlink() => Kind::Link,
                    _ => Kind::Special,
                };
                Ok((entry.file_name().into_vec(), kind))
            })
            .collect()
    }

    fn stat(&self, part: &[u8]) -> io::Result<Option<(Kind, FileStat)>> {
        match fstatat(&self.fd, name(part), AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some((kind_of(&stat), stat))),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Says where a link leads; `None` if it is none.
    pub(super) fn link(&self, part: &[u8]) -> io::Result<Option<Vec<u8>>> {
        match readlinkat(&self.fd, name(part)) {
            Ok(target) => Ok(Some(target.into_vec())),
            Err(Errno::EINVAL | Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a file of at most `limit` bytes, and whether it may be executed; `None` if it is
    /// longer or no file.
    pub(super) fn read(&self, part: &[u8], limit: u64) -> io::Result<Option<(Vec<u8>, bool)>> {
        let Some((Kind::File, _)) = self.stat(part)? else {
            return Ok(None);
        };
        let file = self.open_file(part)?;
        let stat = fstat(&file)?;
        let mut content = Vec::new();
        (&file).take(limit + 1).read_to_end(&mut content)?;
        let is_whole = content.len() as u64 <= limit;
        let is_executable = stat.st_mode & Mode::S_IXUSR.bits() != 0;
        Ok(is_whole.then_some((content, is_executable)))
    }

    fn open_file(&self, part: &[u8]) -> io::Result<File> {
        // O_NONBLOCK: a pipe that took the file's name must not hold us up.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        Ok(openat(&self.fd, name(part), flags, Mode::empty())?.into())
    }

    /// Writes a file, whole or not at all, over whatever file or link has its name.
    pub(super) fn write(&self, part: &[u8], content: &[u8], mode: u32) -> io::Result<()> {
        self.remove(PARTIAL.as_bytes())?;
        let mut file = self.create(PARTIAL.as_bytes(), mode)?;
        file.write_all(content)?;
        drop(file);
        Ok(renameat(&self.fd, PARTIAL, &self.fd, name(part))?)
    }

    /// Makes a link, over whatever file or link has its name.
    pub(super) fn write_link(&self, part: &[u8], target: &[u8]) -> io::Result<()> {
        self.remove(PARTIAL.as_bytes())?;
        symlinkat(name(target), &self.fd, PARTIAL)?;
        Ok(renameat(&self.fd, PARTIAL, &self.fd, name(part))?)
    }

    fn create(&self, part: &[u8], mode: u32) -> io::Result<File> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(mode);
        Ok(openat(&self.fd, name(part), flags, mode)?.into())
    }

    fn remove(&self, part: &[u8]) -> io::Result<()> {
        match unlinkat(&self.fd, name(part), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a directory in it, if it is empty.
    pub(super) fn remove_empty(&self, part: &[u8]) {
        // Whatever keeps it (a file that stays, a mount) may keep it: an empty one does no harm.
        let _ = unlinkat(&self.fd, name(part), UnlinkatFlags::RemoveDir);
    }

    /// Takes what an earlier attempt left under a name out of the way of a directory or a file.
    fn step_aside(&self, part: &[u8]) -> io::Result<()> {
        if self.stat(part)?.is_none() {
            return Ok(());
        }
        for number in 1_u32.. {
            let free = [part, format!("~{number}").as_bytes()].concat();
            if self.stat(&free)?.is_none() {
                renameat(&self.fd, name(part), &self.fd, name(&free))?;
                break;
            }
        }
        Ok(())
    }

    /// Moves a file, link or pipe from here to `to`, under the same name.
    ///
    /// Returns `false` if it is a mount of the pod's and stays. Between file systems it is copied;
    /// if that is cut short, doing it again makes it whole.
    pub(super) fn give(&self, part: &[u8], to: &Self) -> io::Result<bool> {
        if let Some((Kind::Directory, _)) = to.stat(part)? {
            to.step_aside(part)?;
        }
        match renameat(&self.fd, name(part), &to.fd, name(part)) {
            Ok(()) | Err(Errno::ENOENT) => Ok(true),
            Err(Errno::EBUSY) => Ok(false),
            Err(Errno::EXDEV) => self.copy_and_remove(part, to),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn copy_and_remove(&self, part: &[u8], to: &Self) -> io::Result<bool> {
        to.remove(part)?;
        match self.stat(part)? {
            None | Some((Kind::Special | Kind::Directory, _)) => {}
            Some((Kind::Link, _)) => {
                let target = self.link(part)?.unwrap_or_default();
                symlinkat(name(&target), &to.fd, name(part))?;
            }
            Some((Kind::File, stat)) => {
                let mut copy = to.create(part, 0o600)?;
                io::copy(&mut self.open_file(part)?, &mut copy)?;
                fchmod(&copy, Mode::from_bits_truncate(stat.st_mode & 0o777))?;
            }
        }
        match unlinkat(&self.fd, name(part), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(true),
            Err(Errno::EBUSY) => {
                to.remove(part)?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn kind_of(stat: &FileStat) -> Kind {
    let bits = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    match bits {
        SFlag::S_IFREG => Kind::File,
        SFlag::S_IFDIR => Kind::Directory,
        SFlag::S_IFLNK => Kind::Link,
        _ => Kind::Special,
    }
}
