//! Which commits nobody else has.

use std::collections::{BinaryHeap, HashMap, HashSet};

use git2::Oid;

use super::{Opened, SummaryError, go_on};

/// Commits behind the last interesting one that are looked at too. Clocks are wrong at times, and
/// then a commit that somebody has is found only behind older ones. One that is missed is saved
/// needlessly, no more.
const SLOP: u32 = 64;

/// Commits that only this repository has, as far as it knows.
#[derive(Debug, Default)]
pub(in super::super) struct Unpublished {
    /// The newest first.
    pub(in super::super) commits: Vec<Oid>,
    /// Parents of these that others have, in the order in which they were met.
    pub(in super::super) boundary: Vec<Oid>,
}

struct Node {
    parents: Vec<Oid>,
    hidden: bool,
    waits: bool,
}

struct Walk<'o> {
    opened: &'o Opened,
    nodes: HashMap<Oid, Node>,
    heap: BinaryHeap<(i64, Oid)>,
    /// Nodes in the heap that are not hidden.
    interesting: usize,
}

/// Finds what is reachable from `tips` and not from `hidden`.
///
/// Of `hidden`, what is not here or no commit is passed over.
pub(in super::super) fn unpublished(
    opened: &Opened,
    tips: &[Oid],
    hidden: &[Oid],
    stop: &dyn Fn() -> bool,
) -> Result<Unpublished, SummaryError> {
    let mut walk = Walk {
        opened,
        nodes: HashMap::new(),
        heap: BinaryHeap::new(),
        interesting: 0,
    };
    for id in hidden {
        go_on(stop)?;
        let found = opened.repo.find_object(*id, None);
        if let Ok(commit) = found.and_then(|object| object.peel_to_commit()) {
            walk.meet(commit.id(), true)?;
        }
    }
    for id in tips {
        walk.meet(*id, false)?;
    }
    let order = walk.run(stop)?;
    let commits: Vec<Oid> = order
        .into_iter()
        .filter(|id| !walk.nodes[id].hidden)
        .collect();
    let mut met = HashSet::new();
    let boundary = commits
        .iter()
        .flat_map(|id| &walk.nodes[id].parents)
        .filter(|id| walk.nodes[*id].hidden && met.insert(**id))
        .copied()
        .collect();
    Ok(Unpublished { commits, boundary })
}

impl Walk<'_> {
    /// Walks until nothing interesting waits; returns what was not hidden when it was met.
    fn run(&mut self, stop: &dyn Fn() -> bool) -> Result<Vec<Oid>, SummaryError> {
        let mut order = Vec::new();
        let mut spare = SLOP;
        while !self.heap.is_empty() {
            go_on(stop)?;
            if self.interesting == 0 {
                if spare == 0 || order.is_empty() {
                    break;
                }
                spare -= 1;
            }
            let Some((_, id)) = self.heap.pop() else {
                break;
            };
            let Some(node) = self.nodes.get_mut(&id) else {
                continue;
            };
            node.waits = false;
            let hidden = node.hidden;
            let parents = node.parents.clone();
            if !hidden {
                self.interesting -= 1;
                order.push(id);
            }
            for parent in parents {
                self.meet(parent, hidden)?;
            }
        }
        Ok(order)
    }

    fn meet(&mut self, id: Oid, hidden: bool) -> Result<(), SummaryError> {
        if self.nodes.contains_key(&id) {
            if hidden {
                self.hide(id);
            }
            return Ok(());
        }
        let commit = match self.opened.repo.find_commit(id) {
            Ok(commit) => commit,
            // What others have need not be here, as in a clone without all of its history.
            Err(_) if hidden => return Ok(()),
            Err(error) => return Err(SummaryError::damaged("the history")(error)),
        };
        let parents = if self.opened.shallow.contains(&id) {
            Vec::new()
        } else {
            commit.parent_ids().collect()
        };
        self.heap.push((commit.time().seconds(), id));
        self.interesting += usize::from(!hidden);
        let waits = true;
        self.nodes.insert(
            id,
            Node {
                parents,
                hidden,
                waits,
            },
        );
        Ok(())
    }

    /// Hides a commit that was met before, and all below it that was too.
    fn hide(&mut self, id: Oid) {
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            let Some(node) = self.nodes.get_mut(&id) else {
                continue;
            };
            if node.hidden {
                continue;
            }
            node.hidden = true;
            if node.waits {
                self.interesting -= 1;
            } else {
                pending.extend(&node.parents);
            }
        }
    }
}
