//! Whether a file was written to while it was read.
//!
//! The kernel's time of the last change tells, but for two kinds of files. Those of network file systems
//! have the time of a server, and perhaps an old one. And who has mapped a file into memory may write to
//! it without changing its time: nobody should be left who does, after the agent's end.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::statfs::{FUSE_SUPER_MAGIC, FsType, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, fstatfs};

/// How much later a change has another time for sure: kernels count in ticks.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// The same where file systems count in seconds.
const COARSE_TICK: Duration = Duration::from_secs(2);

/// What of a file differs after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Of whatever is in it, or is said of it: nobody but the kernel sets this.
    changed: SystemTime,
    length: u64,
}

impl Stamp {
    /// That of an open file; `None` for a time that nobody has.
    pub(super) fn of(about: &Metadata) -> Option<Self> {
        let seconds = u64::try_from(about.ctime()).ok()?;
        let nanos = u32::try_from(about.ctime_nsec()).ok()?;
        Some(Self {
            changed: UNIX_EPOCH.checked_add(Duration::new(seconds, nanos))?,
            length: about.len(),
        })
    }

    /// Whether a change from `now` on has another time.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let since = self.changed.duration_since(UNIX_EPOCH);
        let is_coarse = since.is_ok_and(|since| since.subsec_nanos() == 0);
        let tick = if is_coarse { COARSE_TICK } else { TICK };
        now.duration_since(self.changed).is_ok_and(|age| age > tick)
    }
}

/// Whether this kernel keeps the times of a file, and no server.
pub(super) fn is_ours(file: &File) -> bool {
    /// What `mount -t cifs` mounts, by protocol version.
    const CIFS: [FsType; 2] = [FsType(0xFF53_4D42), FsType(0xFE53_4D42)];
    let of_servers = [NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, FUSE_SUPER_MAGIC];
    fstatfs(file).is_ok_and(|about| {
        let kind = about.filesystem_type();
        !of_servers.contains(&kind) && !CIFS.contains(&kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed_at(seconds: u64, nanos: u32) -> Stamp {
        Stamp {
            changed: UNIX_EPOCH + Duration::new(seconds, nanos),
            length: 0,
        }
    }

    #[test]
    fn a_change_within_a_tick_may_hide_the_next_one() {
        let stamp = changed_at(1000, 5);
        let at = |millis| stamp.changed + Duration::from_millis(millis);
        assert!(!stamp.is_settled(at(0)));
        assert!(!stamp.is_settled(at(100)));
        assert!(stamp.is_settled(at(101)));
    }

    #[test]
    fn ticks_are_long_where_seconds_are_whole() {
        let stamp = changed_at(1000, 0);
        assert!(!stamp.is_settled(stamp.changed + Duration::from_secs(2)));
        assert!(stamp.is_settled(stamp.changed + Duration::from_millis(2001)));
    }

    #[test]
    fn a_clock_that_is_ahead_settles_nothing() {
        let stamp = changed_at(1000, 5);
        assert!(!stamp.is_settled(stamp.changed - Duration::from_secs(9)));
    }
}
