//! `commits.bundle`: a git bundle, version 2.

use std::collections::HashSet;

use git2::{ObjectType, Oid, PackBuilder};

use super::super::summary::{Opened, Start, SummaryError, go_on, unpublished};
use super::output::Output;
use super::quote::quote;
use super::{Part, Saving, WipError};

const PART: Part = Part::Commits;

/// Saves the commits that no remote has; `None` if there are none.
pub(super) fn write(
    opened: &Opened,
    start: &Start,
    saving: &mut Saving<'_>,
) -> Result<Option<Output>, WipError> {
    let mut refs: Vec<(&[u8], Oid)> = opened.refs.branches().collect();
    refs.extend(opened.refs.head.map(|head| (b"HEAD".as_slice(), head)));
    // One branch that leads nowhere must not cost all the others.
    refs.retain(|(name, id)| match opened.repo.find_commit(*id) {
        Ok(_) => true,
        Err(source) => {
            saving.wip.incomplete.push(WipError::Omitted {
                part: PART,
                what: quote("", name),
                source: SummaryError::damaged("the commit")(source),
            });
            false
        }
    });
    let tips: Vec<Oid> = refs.iter().map(|(_, id)| *id).collect();
    // What is shallow was fetched, so the remote has it. The start counts only where nothing else
    // says what the remote has: it may be a commit that an earlier attempt did not push.
    let mut hidden = opened.refs.published();
    if hidden.is_empty() {
        hidden.extend(Oid::from_str(&start.commit).ok());
    }
    hidden.extend(&opened.shallow);
    let found =
        unpublished(opened, &tips, &hidden, saving.stop).map_err(WipError::reading(PART))?;
    if found.commits.is_empty() {
        return Ok(None);
    }
    let included: HashSet<Oid> = found.commits.iter().copied().collect();
    let mut header = b"# v2 git bundle\n".to_vec();
    for id in &found.boundary {
        let subject = opened.repo.find_commit(*id).ok();
        let subject = subject.as_ref().and_then(|commit| commit.summary_bytes());
        header.extend_from_slice(format!("-{id} ").as_bytes());
        header.extend(saving.clean(subject.unwrap_or_default()));
        header.push(b'\n');
    }
    for (name, id) in refs.iter().filter(|(_, id)| included.contains(id)) {
        header.extend_from_slice(format!("{id} ").as_bytes());
        header.extend_from_slice(name);
        header.push(b'\n');
    }
    header.push(b'\n');
    let mut output = saving.output(PART)?;
    output.push(&header)?;
    pack(opened, &found.commits, saving.stop, &mut output)?;
    saving.wip.commits = found.commits.len() as u64;
    Ok(Some(output))
}

/// Writes a pack of the commits and of what their trees have and those of their parents have not.
fn pack(
    opened: &Opened,
    commits: &[Oid],
    stop: &dyn Fn() -> bool,
    output: &mut Output,
) -> Result<(), WipError> {
    let reading = WipError::reading(PART);
    let damaged = |error| reading(SummaryError::damaged("an object")(error));
    let mut builder = opened.repo.packbuilder().map_err(damaged)?;
    let mut seen = HashSet::new();
    for id in commits {
        builder.insert_object(*id, None).map_err(damaged)?;
    }
    for id in commits {
        insert_tree(opened, *id, &mut seen, &mut builder, stop).map_err(&reading)?;
    }
    builder
        .set_progress_callback(|_, _, _| !stop())
        .map_err(damaged)?;
    let mut failed = None;
    let packed = builder.foreach(|bytes| {
        if stop() {
            return false;
        }
        output
            .push(bytes)
            .map_err(|error| failed = Some(error))
            .is_ok()
    });
    match (failed, packed) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(()),
        (None, Err(_)) if stop() => Err(WipError::Stopped { part: PART }),
        (None, Err(error)) => Err(damaged(error)),
    }
}

fn insert_tree(
    opened: &Opened,
    id: Oid,
    seen: &mut HashSet<Oid>,
    builder: &mut PackBuilder<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<(), SummaryError> {
    let damaged = SummaryError::damaged("an object");
    let repo = &opened.repo;
    let commit = repo.find_commit(id).map_err(&damaged)?;
    let mut parents = Vec::new();
    if !opened.shallow.contains(&id) {
        for parent in commit.parent_ids() {
            let parent = repo.find_commit(parent).map_err(&damaged)?;
            parents.push(parent.tree_id());
        }
    }
    // Not recursive: trees can be nested deeper than a stack is.
    let mut pending = vec![(commit.tree_id(), parents)];
    while let Some((id, others)) = pending.pop() {
        go_on(stop)?;
        if others.contains(&id) || !seen.insert(id) {
            continue;
        }
        builder.insert_object(id, None).map_err(&damaged)?;
        let tree = repo.find_tree(id).map_err(&damaged)?;
        let mut others_trees = Vec::new();
        for other in others {
            others_trees.push(repo.find_tree(other).map_err(&damaged)?);
        }
        for entry in &tree {
            let same_name = others_trees
                .iter()
                .filter_map(|other| other.get_name_bytes(entry.name_bytes()));
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let others = same_name
                        .filter(|other| other.kind() == Some(ObjectType::Tree))
                        .map(|other| other.id())
                        .collect();
                    pending.push((entry.id(), others));
                }
                Some(ObjectType::Blob) => {
                    let mut same_name = same_name;
                    if !same_name.any(|other| other.id() == entry.id()) && seen.insert(entry.id()) {
                        builder
                            .insert_object(entry.id(), entry.name().ok())
                            .map_err(&damaged)?;
                    }
                }
                // The commit of a submodule is in another repository.
                _ => {}
            }
        }
    }
    Ok(())
}
