//! What the status says of the checkout.

use agent_plan::plan::Plan;
use agent_plan::status::{GitStatus, RunStatus, WipStatus};
use tokio::task::JoinError;

use crate::report;
use crate::workspace::{Checkout, Remains, Saved};

/// What is known before anything is fetched.
pub(super) fn planned(plan: &Plan) -> Option<GitStatus> {
    let checkout = plan.checkout.as_ref()?;
    let path = checkout.path.as_ref();
    Some(GitStatus {
        url: checkout.remote.url(),
        path: path.map(|path| path.display().to_string()),
        ..GitStatus::default()
    })
}

/// What the agent starts from.
pub(super) fn checked_out(draft: &mut RunStatus, checkout: &Checkout) {
    if let Some(kept) = &checkout.kept {
        draft.warnings.push(format!(
            "commits of an earlier attempt that nobody has are kept as `{kept}`"
        ));
    }
    if let Some(aside) = &checkout.aside {
        draft.warnings.push(format!(
            "files of the repository that configure agents or git are in quarantine: `{}`",
            aside.display()
        ));
    }
    if let Some(git) = &mut draft.git {
        git.commit = Some(checkout.commit.clone());
        git.base = Some(checkout.commit.clone());
        git.branch.clone_from(&checkout.branch);
        git.quarantined.clone_from(&checkout.quarantined);
    }
}

/// What the agent left; `None`: there was no time to look.
pub(super) fn looked_back(draft: &mut RunStatus, remains: Result<Option<Remains>, JoinError>) {
    let Some(git) = &mut draft.git else { return };
    let remains = match remains {
        Ok(Some(remains)) => remains,
        Ok(None) => {
            git.error = Some("there was no time to look at the work tree".to_owned());
            return;
        }
        Err(error) => {
            let problem = report::sentence(&error, None);
            git.error = Some(format!("looking at the work tree failed: {problem}"));
            return;
        }
    };
    match remains.summary {
        Ok(summary) => {
            git.commit = summary.commit;
            git.branch = summary.branch;
            git.ahead = Some(summary.ahead);
            git.dirty = Some(summary.dirty);
        }
        Err(error) => git.error = Some(report::sentence(&error, None)),
    }
    let Some(Saved { into, wip }) = remains.saved else {
        return;
    };
    let wip = match wip {
        Ok(wip) => wip,
        Err(error) => return draft.warnings.push(report::sentence(&error, None)),
    };
    tracing::info!(
        commits = wip.commits,
        changed = wip.changed,
        untracked = wip.untracked,
        "Unpushed work saved."
    );
    if wip.bundle.is_some() || wip.patch.is_some() || wip.list.is_some() {
        git.wip = Some(WipStatus {
            directory: into.display().to_string(),
            bundle: wip.bundle.map(|file| file.name.to_owned()),
            patch: wip.patch.map(|file| file.name.to_owned()),
            untracked: wip.untracked,
        });
    }
    for (name, count) in wip.redactions {
        *draft.redactions.entry(name).or_default() += count;
    }
    let lost = wip.incomplete.iter();
    draft
        .warnings
        .extend(lost.map(|error| report::sentence(error, None)));
}
