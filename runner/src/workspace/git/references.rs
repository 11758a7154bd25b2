//! Which references to ask for, from what the remote says it has.

use agent_plan::plan::Revision;

/// One reference that the remote has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Advertised {
    /// `refs/heads/main`, `HEAD`, `refs/tags/v1^{}`.
    pub(super) name: String,
    /// What it points to.
    pub(super) id: git2::Oid,
    /// What `HEAD` stands for, if the remote says it.
    pub(super) target: Option<String>,
}

/// Where the work starts, as the remote has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Base {
    /// A branch, by its short name.
    Branch(String),
    /// Any other reference, by its full name.
    Reference(String),
    /// A commit that some reference points to.
    Tip(String, git2::Oid),
    /// A commit that no reference points to.
    Commit(git2::Oid),
    /// The beginning of a commit's id.
    Short(String),
}

/// Why there is nothing to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Absent {
    /// The remote has no reference at all.
    Empty,
    /// No branch, tag or commit has this name; the nearest branch or tag.
    Name(String, Option<String>),
    /// Several commits begin so.
    Ambiguous(String),
}

const HEADS: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

/// The shortest beginning of an id that git itself would take.
const SHORTEST_ID: usize = 4;

/// Finds what a revision means on a remote.
pub(super) fn resolve(revision: &Revision, all: &[Advertised]) -> Result<Base, Absent> {
    if all.is_empty() {
        return Err(Absent::Empty);
    }
    let has = |name: &str| all.iter().any(|one| one.name == name);
    match revision {
        Revision::Default => default(all),
        Revision::Reference(name) if has(name) => Ok(of_reference(name)),
        Revision::Reference(name) => Err(absent(name, all)),
        Revision::Commit(id) => {
            let id = git2::Oid::from_str(id);
            let id = id.map_err(|_| absent(&revision_text(revision), all))?;
            Ok(tip(all, id).unwrap_or(Base::Commit(id)))
        }
        Revision::Name(name) => {
            if has(&format!("{HEADS}{name}")) {
                return Ok(Base::Branch(name.clone()));
            }
            let tag = format!("{TAGS}{name}");
            if has(&tag) {
                return Ok(Base::Reference(tag));
            }
            short(name, all)
        }
    }
}

fn revision_text(revision: &Revision) -> String {
    match revision {
        Revision::Default => "HEAD".to_owned(),
        Revision::Name(name) | Revision::Reference(name) | Revision::Commit(name) => name.clone(),
    }
}

fn default(all: &[Advertised]) -> Result<Base, Absent> {
    let Some(head) = all.iter().find(|one| one.name == "HEAD") else {
        return Err(absent("HEAD", all));
    };
    let told = head.target.clone();
    // A server that does not say what HEAD stands for still shows which branches are where it is.
    let guessed = || {
        let same = |one: &&Advertised| one.id == head.id && one.name.starts_with(HEADS);
        all.iter().find(same).map(|one| one.name.clone())
    };
    Ok(match told.or_else(guessed) {
        Some(name) => of_reference(&name),
        None => Base::Tip("HEAD".to_owned(), head.id),
    })
}

fn of_reference(name: &str) -> Base {
    match name.strip_prefix(HEADS) {
        Some(branch) => Base::Branch(branch.to_owned()),
        None => Base::Reference(name.to_owned()),
    }
}

/// The reference that points to a commit: a branch rather than anything else, `HEAD` at last.
fn tip(all: &[Advertised], id: git2::Oid) -> Option<Base> {
    let rank = |one: &&Advertised| match one.name.as_str() {
        "HEAD" => 2,
        name if name.starts_with(HEADS) => 0,
        _ => 1,
    };
    let found = all.iter().filter(|one| one.id == id).min_by_key(rank)?;
    // `refs/tags/v1^{}` is what the tag `refs/tags/v1` stands for.
    let name = found.name.trim_end_matches("^{}");
    Some(Base::Tip(name.to_owned(), id))
}

fn short(name: &str, all: &[Advertised]) -> Result<Base, Absent> {
    let hexadecimal = name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hexadecimal || !(SHORTEST_ID..40).contains(&name.len()) {
        return Err(absent(name, all));
    }
    let begin = name.to_ascii_lowercase();
    let mut tips: Vec<git2::Oid> = all
        .iter()
        .map(|one| one.id)
        .filter(|id| id.to_string().starts_with(&begin))
        .collect();
    tips.sort_unstable();
    tips.dedup();
    match tips[..] {
        [id] => Ok(tip(all, id).unwrap_or(Base::Commit(id))),
        // Further back in the history; only the history can tell.
        [] => Ok(Base::Short(begin)),
        _ => Err(Absent::Ambiguous(begin)),
    }
}

/// Says that there is no such name, and which one was perhaps meant.
pub(super) fn absent(name: &str, all: &[Advertised]) -> Absent {
    let names = all.iter().filter_map(|one| {
        if name.starts_with("refs/") {
            return Some(one.name.as_str());
        }
        let name = one.name.strip_prefix(HEADS);
        name.or_else(|| one.name.strip_prefix(TAGS))
    });
    let nearest = agent_plan::nearest(name, names.filter(|name| !name.ends_with("^{}")));
    Absent::Name(name.to_owned(), nearest)
}

/// Where a reference of the remote is kept here: branches below `origin`, tags as tags, the rest
/// below `origin` too, so that an agent sees whose they are.
pub(super) fn kept(name: &str) -> String {
    if let Some(branch) = name.strip_prefix(HEADS) {
        format!("refs/remotes/origin/{branch}")
    } else if name.starts_with(TAGS) {
        name.to_owned()
    } else {
        let rest = name.strip_prefix("refs/").unwrap_or(name);
        format!("refs/remotes/origin/{rest}")
    }
}
