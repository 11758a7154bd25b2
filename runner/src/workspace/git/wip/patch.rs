//! `changes.patch`: how the tracked files differ from `HEAD`, for `git apply`.
//!
//! Headers are ours, hunks are libgit2's, file by file. What has no good hunks (a file above
//! [`LARGE`], one that became a link, one whose difference shows a secret outside of added lines)
//! is replaced as a whole by `literal`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{Delta, Diff, DiffDelta, FileMode, IndexEntry, IndexTime, Oid};

use super::super::summary::{
    Link, Opened, STAGE, SummaryError, Want, changed, links, mode_of, only,
};
use super::literal::Content;
use super::output::Output;
use super::quote::quote;
use super::{Part, Saving, WipError, redacted};

const PART: Part = Part::Changes;

/// Bytes of a file, before or after, above which it is not compared but replaced. A comparison
/// holds both, their lines and the difference: some five times as much.
const LARGE: u64 = 4 * 1024 * 1024;

/// Files that are compared at once.
const BATCH: usize = 500;

/// One side of a change.
#[derive(Clone, Copy)]
struct Side {
    mode: FileMode,
    id: Oid,
}

impl Side {
    fn mode(self) -> u32 {
        u32::from(self.mode)
    }
}

/// Writes the differences; `None` if there are none.
pub(super) fn write(
    opened: &mut Opened,
    saving: &mut Saving<'_>,
) -> Result<Option<Output>, WipError> {
    let reading = WipError::reading(PART);
    let paths = changed(opened, saving.stop, Want::All).map_err(&reading)?;
    let mut links = links(opened).map_err(&reading)?;
    links.retain(Link::is_moved);
    if paths.is_empty() && links.is_empty() {
        return Ok(None);
    }
    settle_conflicts(opened)
        .map_err(SummaryError::damaged("the index"))
        .map_err(&reading)?;
    let mut output = saving.output(PART)?;
    let paths: Vec<Vec<u8>> = paths.into_iter().collect();
    match differences(opened, &paths, &links, saving, &mut output) {
        Err(WipError::Stopped { part }) if output.len() > 0 => {
            saving.wip.incomplete.push(WipError::Stopped { part });
        }
        other => other?,
    }
    Ok((output.len() > 0).then_some(output))
}

fn differences(
    opened: &Opened,
    paths: &[Vec<u8>],
    links: &[Link],
    saving: &mut Saving<'_>,
    output: &mut Output,
) -> Result<(), WipError> {
    let reading = WipError::reading(PART);
    for link in links {
        submodule(link, saving, output)?;
    }
    let head = opened.head_tree().map_err(&reading)?;
    for batch in paths.chunks(BATCH) {
        let mut options = only(batch);
        options.show_binary(true).id_abbrev(40);
        let diff = opened
            .repo
            .diff_tree_to_workdir_with_index(head.as_ref(), Some(&mut options))
            .map_err(SummaryError::damaged("the work tree"))
            .map_err(&reading)?;
        for position in 0..diff.deltas().len() {
            if (saving.stop)() {
                return Err(WipError::Stopped { part: PART });
            }
            let Some(delta) = diff.get_delta(position) else {
                continue;
            };
            let whole_until = output.len();
            match file(opened, &diff, position, &delta, saving, output) {
                Ok(()) => {}
                // The file is left out, and said to be; a patch of the others still applies.
                Err(WipError::Read { part, source }) => {
                    output.cut(whole_until)?;
                    let path = delta.old_file().path_bytes().unwrap_or_default();
                    let what = saving.clean(quote("", path).as_bytes());
                    saving.wip.incomplete.push(WipError::Omitted {
                        part,
                        what: String::from_utf8_lossy(&what).into_owned(),
                        source,
                    });
                }
                Err(error) => {
                    output.cut(whole_until)?;
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

/// Takes one side of every conflict for the recorded one, in memory only: the files in the work
/// tree, with their markers, then differ from `HEAD` like any other.
fn settle_conflicts(opened: &mut Opened) -> Result<(), git2::Error> {
    if !opened.index.has_conflicts() {
        return Ok(());
    }
    let entries: Vec<IndexEntry> = opened
        .index
        .iter()
        .filter(|entry| entry.flags & STAGE != 0)
        .collect();
    for entry in &entries {
        let path = Path::new(OsStr::from_bytes(&entry.path));
        // The first wins; gone already for the second and third.
        if opened.index.get_path(path, 0).is_some() {
            continue;
        }
        let sides = entries.iter().filter(|other| other.path == entry.path);
        let ours = sides.clone().find(|side| side.flags & STAGE == 0x2000);
        let chosen = ours.unwrap_or(entry);
        opened.index.conflict_remove(path)?;
        opened.index.add(&IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            uid: 0,
            gid: 0,
            file_size: 0,
            flags: 0,
            flags_extended: 0,
            mode: chosen.mode,
            id: chosen.id,
            path: chosen.path.clone(),
        })?;
    }
    Ok(())
}

fn file(
    opened: &Opened,
    diff: &Diff<'_>,
    position: usize,
    delta: &DiffDelta<'_>,
    saving: &mut Saving<'_>,
    output: &mut Output,
) -> Result<(), WipError> {
    let side = |file: &git2::DiffFile<'_>| Side {
        mode: mode_of(file),
        id: file.id(),
    };
    let (old_file, new_file) = (delta.old_file(), delta.new_file());
    let path = new_file
        .path_bytes()
        .or(old_file.path_bytes())
        .unwrap_or_default();
    let old = Some(side(&old_file)).filter(|side| is_file(side.mode));
    let new = Some(side(&new_file)).filter(|side| is_file(side.mode));
    let (old, new) = match delta.status() {
        Delta::Added => (None, new),
        Delta::Deleted => (old, None),
        Delta::Modified => (old, new),
        Delta::Typechange => {
            if old.is_some() {
                whole(opened, path, old, None, saving, output)?;
            }
            if new.is_some() {
                whole(opened, path, None, new, saving, output)?;
            }
            return Ok(());
        }
        Delta::Unreadable => {
            let path = opened.dir.join(OsStr::from_bytes(path));
            let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
            return Err(WipError::reading(PART)(SummaryError::read(&path)(denied)));
        }
        _ => return Ok(()),
    };
    if old.is_none() && new.is_none() {
        return Ok(());
    }
    if is_large(opened, path, old, new) {
        return whole(opened, path, old, new, saving, output);
    }
    let Some(hunks) = hunks(diff, position)? else {
        return Ok(());
    };
    // Known only after the content was read.
    let new = new.map(|new| Side {
        id: hunks.new,
        ..new
    });
    if hunks.is_binary {
        output.push(&header(path, old, new, Body::Binary, saving))?;
        output.push(&hunks.text)?;
    } else {
        let (clean, replaced) = redacted(saving.redactor, &hunks.text);
        if !only_added_lines_differ(&hunks.text, &clean) {
            return whole(opened, path, old, new, saving, output);
        }
        saving.count(&replaced);
        let body = if clean.is_empty() {
            Body::Empty
        } else {
            Body::Text
        };
        output.push(&header(path, old, new, body, saving))?;
        output.push(&clean)?;
    }
    saving.wip.changed += 1;
    Ok(())
}

fn is_file(mode: FileMode) -> bool {
    !matches!(
        mode,
        FileMode::Unreadable | FileMode::Tree | FileMode::Commit
    )
}

fn is_large(opened: &Opened, path: &[u8], old: Option<Side>, new: Option<Side>) -> bool {
    let before = old
        .and_then(|old| Some(opened.repo.odb().ok()?.read_header(old.id).ok()?.0))
        .unwrap_or_default();
    let after = new
        .and_then(|_| {
            let path = opened.dir.join(OsStr::from_bytes(path));
            path.symlink_metadata().ok()
        })
        .map_or(0, |found| found.len());
    before as u64 > LARGE || after > LARGE
}

/// What libgit2 says of the difference of one file, but for the header.
struct Hunks {
    text: Vec<u8>,
    is_binary: bool,
    new: Oid,
}

fn hunks(diff: &Diff<'_>, position: usize) -> Result<Option<Hunks>, WipError> {
    let damaged = |error| {
        WipError::reading(PART)(SummaryError::damaged("a file or its recorded content")(
            error,
        ))
    };
    let Some(mut patch) = git2::Patch::from_diff(diff, position).map_err(damaged)? else {
        return Ok(None);
    };
    let mut hunks = Hunks {
        text: Vec::new(),
        is_binary: false,
        new: patch.delta().new_file().id(),
    };
    patch
        .print(&mut |_, _, line| {
            match line.origin() {
                'F' => return true,
                'B' => hunks.is_binary = true,
                sign @ (' ' | '+' | '-') => hunks.text.push(sign as u8),
                _ => {}
            }
            hunks.text.extend_from_slice(line.content());
            true
        })
        .map_err(damaged)?;
    Ok(Some(hunks))
}

/// Whether the patch still applies: context and removed lines have to be what `HEAD` has, and the
/// number of lines what the hunks say.
fn only_added_lines_differ(text: &[u8], clean: &[u8]) -> bool {
    let lines = |text| <[u8]>::split(text, |byte: &u8| *byte == b'\n');
    lines(text).count() == lines(clean).count()
        && lines(text).zip(lines(clean)).all(|(before, after)| {
            before == after || (before.starts_with(b"+") && after.starts_with(b"+"))
        })
}

/// Writes the whole new content, or that there is none.
fn whole(
    opened: &Opened,
    path: &[u8],
    old: Option<Side>,
    new: Option<Side>,
    saving: &mut Saving<'_>,
    output: &mut Output,
) -> Result<(), WipError> {
    let on_disk = opened.dir.join(OsStr::from_bytes(path));
    let (new, content) = match new {
        Some(new) => {
            let content = Content::of(&on_disk, new.mode, saving)?;
            let id = content.id;
            (Some(Side { id, ..new }), Some(content))
        }
        None => (None, None),
    };
    saving.wip.changed += 1;
    if old.map(|old| old.id) == new.map(|new| new.id) {
        return output.push(&header(path, old, new, Body::Empty, saving));
    }
    output.push(&header(path, old, new, Body::Binary, saving))?;
    match content {
        Some(content) => content.write(saving, output),
        // The empty zlib stream, as git writes it for a file that is gone.
        None => output.push(b"GIT binary patch\nliteral 0\nHcmV?d00001\n\n"),
    }
}

/// What follows a header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Empty,
    Text,
    Binary,
}

fn header(
    path: &[u8],
    old: Option<Side>,
    new: Option<Side>,
    body: Body,
    saving: &mut Saving<'_>,
) -> Vec<u8> {
    let (before, after) = (quote("a/", path), quote("b/", path));
    let mut text = format!("diff --git {before} {after}\n");
    let modes = (old.map(Side::mode), new.map(Side::mode));
    let mut common = String::new();
    match modes {
        (Some(old), Some(new)) if old == new => common = format!(" {new:06o}"),
        (Some(old), Some(new)) => {
            text.push_str(&format!("old mode {old:06o}\nnew mode {new:06o}\n"));
        }
        (None, Some(new)) => text.push_str(&format!("new file mode {new:06o}\n")),
        (Some(old), None) => text.push_str(&format!("deleted file mode {old:06o}\n")),
        (None, None) => {}
    }
    let (from, to) = (id_of(old), id_of(new));
    if from != to && (body != Body::Empty || old.is_none() || new.is_none()) {
        text.push_str(&format!("index {from}..{to}{common}\n"));
    }
    if body == Body::Text {
        // Without the tab, a name with a space in it would end there for some readers.
        let tab = if path.contains(&b' ') { "\t" } else { "" };
        let before = old.map_or("/dev/null".to_owned(), |_| format!("{before}{tab}"));
        let after = new.map_or("/dev/null".to_owned(), |_| format!("{after}{tab}"));
        text.push_str(&format!("--- {before}\n+++ {after}\n"));
    }
    saving.clean(text.as_bytes())
}

fn id_of(side: Option<Side>) -> String {
    side.map_or_else(|| "0".repeat(40), |side| side.id.to_string())
}

fn submodule(link: &Link, saving: &mut Saving<'_>, output: &mut Output) -> Result<(), WipError> {
    let side = |id: Option<Oid>| {
        id.map(|id| Side {
            mode: FileMode::Commit,
            id,
        })
    };
    let (old, new) = (side(link.old), side(link.new));
    let mut text = header(&link.path, old, new, Body::Text, saving);
    let range = |side: Option<Side>| if side.is_some() { "1" } else { "0,0" };
    text.extend(format!("@@ -{} +{} @@\n", range(old), range(new)).bytes());
    for (sign, side) in [('-', old), ('+', new)] {
        if let Some(side) = side {
            text.extend(format!("{sign}Subproject commit {}\n", side.id).bytes());
        }
    }
    saving.wip.changed += 1;
    output.push(&text)
}
