//! The URL that follows from what is known about version control (contract §4.4).

use super::remote::{Remote, Scheme, Where};
use super::vcs::{Told, Vcs};
use super::{PlanError, bad_remote};
use crate::plan::shown;

/// Returns the repository of the run; `None` if nobody names one.
pub(super) fn remote(vcs: &Vcs<'_>, place: Where) -> Result<Option<Remote>, PlanError> {
    let Some(repository) = vcs.repository() else {
        return Ok(None);
    };
    let name = name(&repository)?;
    let over_https = || {
        let base = clone_base(vcs)?;
        under(&base, name, place).map(Some)
    };
    if !vcs.is_ssh() {
        return over_https();
    }
    over_ssh(vcs, name, place).map(Some)
}

/// Returns whom `cloneBaseUrl`, or the provider's own host, is.
pub(super) fn host(vcs: &Vcs<'_>) -> Option<Remote> {
    let base = clone_base(vcs).ok()?;
    // Whether files are allowed does not matter: they have no host.
    under(&base, "x", Where::Pod).ok()
}

fn over_ssh(vcs: &Vcs<'_>, name: &str, place: Where) -> Result<Remote, PlanError> {
    let told = vcs.ssh_host();
    let mut remote = match &told {
        Some(host) => under(
            &Told {
                place: host.place.clone(),
                text: format!("ssh://{}", host.text),
            },
            name,
            place,
        )?,
        None => under(&clone_base(vcs)?, name, place)?,
    };
    if remote.scheme != Scheme::Ssh {
        // The port and the path are those of another protocol.
        remote.port = None;
        remote.path = format!("/{name}.git");
        remote.scheme = Scheme::Ssh;
    }
    let user = vcs.ssh_user();
    if let Some(user) = &user {
        remote.user = Some(user.text.clone());
    }
    remote.user.get_or_insert_with(|| "git".to_owned());
    // A host or user may have brought more than it says.
    let is_whole = |parsed: &Remote| *parsed == remote;
    Remote::parse(&remote.url(), Where::Pod)
        .ok()
        .filter(is_whole)
        .ok_or_else(|| PlanError::BadRemote {
            place: user
                .or(told)
                .map_or_else(|| "clone base".to_owned(), |told| told.place),
            source: super::RemoteError::Host,
        })
}

fn under(base: &Told, name: &str, place: Where) -> Result<Remote, PlanError> {
    let url = format!("{}/{name}.git", base.text.trim_end_matches('/'));
    Remote::parse(&url, place).map_err(|source| bad_remote(base, source))
}

/// Where the repositories of the run's server are. The incumbent takes GitHub for every server
/// that nobody places; what runs on somebody's own machine is not there.
fn clone_base(vcs: &Vcs<'_>) -> Result<Told, PlanError> {
    if let Some(told) = vcs.clone_base() {
        return Ok(told);
    }
    let provider = vcs.provider();
    let public = match provider.as_deref() {
        None | Some("github") => "https://github.com",
        Some("gitlab") => "https://gitlab.com",
        Some("bitbucket") => "https://bitbucket.org",
        Some(provider) => {
            return Err(PlanError::NoCloneBase {
                provider: shown(provider),
            });
        }
    };
    Ok(Told {
        place: "clone base".to_owned(),
        text: public.to_owned(),
    })
}

/// Returns `owner/repository`, with as many groups between as there are, without `.git`.
fn name(told: &Told) -> Result<&str, PlanError> {
    let name = told.text.strip_suffix(".git").unwrap_or(&told.text);
    let is_fine = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('-')
            && segment != "."
            && segment != ".."
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    if name.split('/').count() < 2 || !name.split('/').all(is_fine) {
        return Err(PlanError::BadRepository {
            place: told.place.clone(),
            repository: shown(&told.text),
        });
    }
    Ok(name)
}
