//! Which files of a checkout changed since it was made.

use std::path::Path;

use git2::{Delta, DiffOptions, Oid, Repository, RepositoryOpenFlags};

/// Returns the files around `inside` that are not as in the commit `base`, or in `HEAD`, with a letter
/// for how: committed or not, and untracked ones, too. No repository above `root` is looked for.
///
/// # Errors
///
/// Fails if there is no repository, or it cannot be read.
pub(super) fn since(
    inside: &Path,
    root: &Path,
    base: Option<&str>,
) -> Result<Vec<String>, git2::Error> {
    let flags = RepositoryOpenFlags::empty();
    let repository = Repository::open_ext(inside, flags, [root])?;
    let base = match base {
        Some(base) => repository.find_commit(Oid::from_str(base)?)?,
        None => repository.head()?.peel_to_commit()?,
    };
    let mut how = DiffOptions::new();
    how.include_untracked(true).recurse_untracked_dirs(true);
    let tree = base.tree()?;
    let diff = repository.diff_tree_to_workdir_with_index(Some(&tree), Some(&mut how))?;
    let files = diff.deltas().filter_map(|delta| {
        let letter = match delta.status() {
            Delta::Added | Delta::Untracked => 'A',
            Delta::Deleted => 'D',
            Delta::Typechange => 'T',
            Delta::Modified | Delta::Conflicted => 'M',
            _ => return None,
        };
        let file = delta.new_file().path().or(delta.old_file().path())?;
        Some(format!("{letter} {}", file.display()))
    });
    Ok(files.collect())
}
