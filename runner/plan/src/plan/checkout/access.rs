//! Credentials, authorities and proxies: where they are, never what they are.

mod tokens;

use tokens::{
    GITHUB_FILES, GITHUB_VARIABLES, default_username, is_of_github, proxies, token, without_port,
};

use std::path::PathBuf;

use super::derive;
use super::remote::{Remote, Scheme};
use super::vcs::Vcs;
use crate::env::{self, Environment};
use crate::secret::Secret;
use crate::settings::{HostKeys, WorkspaceSettings};

/// With which credentials and through which proxies a remote is reached.
#[derive(Debug, Clone)]
pub struct Access {
    /// `host` or `host:port` that the credentials are for, and nobody else.
    pub host: Option<String>,
    /// How `host` is spoken to: a token for TLS is never sent in plain text.
    pub scheme: Scheme,
    /// The user name beside a token: the provider's default unless told (contract §4.2).
    pub username: String,
    /// Where the token is.
    pub token: Option<TokenSource>,
    /// The deploy key.
    pub ssh: SshAccess,
    /// PEM files of authorities that count besides the system's: `VCS_CA_FILE`, `GIT_SSL_CAINFO`.
    pub ca_files: Vec<PathBuf>,
    /// Replaces the system's authorities: `SSL_CERT_FILE`.
    pub ca_bundle: Option<PathBuf>,
    /// Proxies.
    pub proxies: Proxies,
    /// Whether `host` is GitHub, whose tools read `GITHUB_TOKEN` and `GH_TOKEN`.
    pub is_github: bool,
    /// Who commits.
    pub identity: Identity,
}

/// Where a token is.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// In a file, which is read again for every request: a mounted secret may be renewed.
    File {
        /// The variable that names it.
        variable: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// In a variable.
    Variable {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: Secret<String>,
    },
}

/// How ssh is done.
#[derive(Debug, Clone, Default)]
pub struct SshAccess {
    /// The host that the key is for, and no other.
    pub host: Option<String>,
    /// `VCS_SSH_USER`, or `git`.
    pub user: String,
    /// The private key, as mounted: usually mode 0644, which ssh itself would refuse.
    pub key: Option<PathBuf>,
    /// The host keys that are known.
    pub known_hosts: Option<PathBuf>,
    /// What becomes of a host whose key nobody knows.
    pub accept_new: bool,
}

/// Proxies, as curl and git read them; user and password may be in the URL.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// `https_proxy`, `HTTPS_PROXY`, `all_proxy` or `ALL_PROXY`.
    pub https: Option<Secret<String>>,
    /// `http_proxy`, `all_proxy` or `ALL_PROXY`; never `HTTP_PROXY`, which a request header sets
    /// where programs run as CGI, and which curl and git ignore for that.
    pub http: Option<Secret<String>>,
    /// `no_proxy` or `NO_PROXY`.
    pub none: Option<String>,
}

/// Who commits (contract §4.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `VCS_COMMIT_AUTHOR_NAME`.
    pub name: Option<String>,
    /// `VCS_COMMIT_AUTHOR_EMAIL`.
    pub email: Option<String>,
}

impl Access {
    /// Decides for a remote; warns if it is not where the credentials are for.
    pub(super) fn of_remote(
        remote: &Remote,
        is_explicit: bool,
        vcs: &Vcs<'_>,
        workspace: &WorkspaceSettings,
        warnings: &mut Vec<String>,
    ) -> Self {
        let server = derive::host(vcs).filter(|_| vcs.is_known());
        let is_ours = match &server {
            _ if !is_explicit => true,
            // A token for TLS is not sent in plain text.
            Some(server) if remote.scheme == Scheme::Http && server.scheme != Scheme::Http => false,
            Some(server) => server.authority() == remote.authority(),
            // Nobody has said for which server they are: then for the one that is asked for, but not
            // in plain text.
            None => !vcs.is_known() && remote.scheme != Scheme::Http,
        };
        // ssh has a port of its own, and perhaps a host: `ssh.github.com`.
        let is_ours_by_ssh = remote.scheme == Scheme::Ssh
            && (server
                .as_ref()
                .is_some_and(|server| server.host == remote.host)
                || ssh_host(vcs).as_deref() == Some(&remote.host));
        let theirs = match &server {
            Some(server) if !is_ours => Some(server),
            _ if is_ours => Some(remote),
            _ => None,
        };
        let host = theirs
            .map(Remote::authority)
            .filter(|host| !host.is_empty());
        let scheme = theirs.map_or(Scheme::Https, |theirs| theirs.scheme);
        let mut access = Self::new(host, scheme, vcs, workspace);
        if remote.scheme == Scheme::Ssh && (is_ours || is_ours_by_ssh) {
            access.ssh.host = Some(remote.host.clone());
        }
        if !is_ours && !is_ours_by_ssh {
            access.warn_of(remote, warnings);
            access.ssh.key = None;
            if access.host == Some(remote.authority()) {
                access.token = None;
            }
        }
        access
    }

    /// Decides for a run that clones nothing: what the agent's own git may use, if anything.
    pub(super) fn without_remote(vcs: &Vcs<'_>, workspace: &WorkspaceSettings) -> Option<Self> {
        let has_github = || {
            let of_github = [&GITHUB_FILES[..], &GITHUB_VARIABLES].concat();
            let is_set = |name: &&str| vcs.environment.get(name).is_some();
            of_github.iter().any(is_set)
        };
        let (host, scheme) = if vcs.is_known() {
            match vcs.ssh_host().filter(|_| vcs.is_ssh()) {
                Some(told) => (told.text, Scheme::Ssh),
                None => derive::host(vcs).map(|server| (server.authority(), server.scheme))?,
            }
        } else {
            // These two are GitHub's own, as the incumbent has it.
            has_github().then(|| ("github.com".to_owned(), Scheme::Https))?
        };
        let access = Self::new(Some(host), scheme, vcs, workspace);
        (access.token.is_some() || access.ssh.key.is_some()).then_some(access)
    }

    fn new(
        host: Option<String>,
        scheme: Scheme,
        vcs: &Vcs<'_>,
        workspace: &WorkspaceSettings,
    ) -> Self {
        let environment = vcs.environment;
        let text = |name: &str| environment.get(name).map(str::to_owned);
        let provider = vcs.provider();
        let name = host.as_deref().map_or("", without_port);
        let is_github = host.is_some()
            && match provider.as_deref() {
                Some(provider) => provider == "github",
                None => is_of_github(name),
            };
        let username = text(env::VCS_USERNAME).or_else(|| text(env::GIT_ASKPASS_USERNAME));
        let is_accept_new = workspace.host_keys == Some(HostKeys::AcceptNew);
        Self {
            username: username
                .unwrap_or_else(|| default_username(provider.as_deref(), name).to_owned()),
            token: token(environment, is_github),
            ssh: SshAccess {
                host: ssh_host(vcs).or_else(|| (!name.is_empty()).then(|| name.to_owned())),
                user: vcs
                    .ssh_user()
                    .map_or_else(|| "git".to_owned(), |told| told.text),
                key: environment.path(env::VCS_SSH_KEY_PATH),
                known_hosts: environment.path(env::VCS_SSH_KNOWN_HOSTS_PATH),
                accept_new: is_accept_new,
            },
            ca_files: [env::VCS_CA_FILE, env::GIT_SSL_CAINFO]
                .into_iter()
                .filter_map(|name| environment.path(name))
                .collect(),
            ca_bundle: environment.path(env::SSL_CERT_FILE),
            proxies: proxies(environment),
            is_github,
            identity: Identity {
                name: text(env::VCS_COMMIT_AUTHOR_NAME),
                email: text(env::VCS_COMMIT_AUTHOR_EMAIL),
            },
            host,
            scheme,
        }
    }

    fn warn_of(&self, remote: &Remote, warnings: &mut Vec<String>) {
        let has_credentials = match remote.scheme {
            Scheme::Https | Scheme::Http => self.token.is_some(),
            Scheme::Ssh => self.ssh.key.is_some(),
            Scheme::Git | Scheme::File => false,
        };
        if !has_credentials {
            return;
        }
        let there = remote.authority();
        warnings.push(match &self.host {
            Some(host) if *host == there => format!(
                "the git credentials for `{host}` are not sent there in plain text: write `https`"
            ),
            Some(host) => format!(
                "the git credentials are for `{host}` and are not sent to `{there}`"
            ),
            None => format!(
                "the git credentials are not sent to `{there}`: set `VCS_CLONE_BASE_URL` to the server that they are for"
            ),
        });
    }

    /// Says whether there is anything that the agent's own git could use.
    pub fn is_any(&self) -> bool {
        let ssh = &self.ssh;
        self.token.is_some()
            || ssh.key.is_some()
            || ssh.known_hosts.is_some()
            || ssh.accept_new
            || !self.ca_files.is_empty()
    }

    /// Returns the variables that the agent's own git and its tools get besides what the
    /// environment of the agent, `child`, has already (contract §4.4).
    ///
    /// `GITHUB_TOKEN` and `GH_TOKEN` are made only where the agent has that token anyway, under the
    /// name that it came by.
    pub fn agent_variables(&self, child: &Environment) -> Vec<(String, String)> {
        let mut given = Vec::new();
        let mut give = |name: &str, value: &str| {
            if child.raw(name).is_none() {
                given.push((name.to_owned(), value.to_owned()));
            }
        };
        if self.token.is_some() || self.ssh.key.is_some() {
            give(env::GIT_TERMINAL_PROMPT, "0");
        }
        if self.token.is_some() {
            give(env::GIT_ASKPASS_USERNAME, &self.username);
        }
        let identity = &self.identity;
        for (value, names) in [
            (&identity.name, ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"]),
            (&identity.email, ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"]),
        ] {
            for (name, value) in names.into_iter().zip(value.iter().cycle()) {
                give(name, value);
            }
        }
        if let Some(TokenSource::Variable { variable, value }) = &self.token
            && self.is_github
            && child.raw(variable).is_some()
        {
            for name in GITHUB_VARIABLES {
                give(name, value.expose());
            }
        }
        given
    }
}

/// The host of `VCS_SSH_HOST`, which may have a port, as a [`Remote`] spells it.
fn ssh_host(vcs: &Vcs<'_>) -> Option<String> {
    let told = vcs.ssh_host()?;
    let host = without_port(&told.text).trim_matches(['[', ']']);
    Some(host.to_ascii_lowercase())
}
