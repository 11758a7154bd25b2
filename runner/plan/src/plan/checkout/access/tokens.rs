//! Where tokens and proxies are in an environment, and what servers call their users.

use crate::env::{self, Environment};
use crate::secret::Secret;

use super::{Proxies, TokenSource};

pub(super) const GITHUB_FILES: [&str; 2] = [env::GH_TOKEN_FILE, env::GITHUB_TOKEN_FILE];
pub(super) const GITHUB_VARIABLES: [&str; 2] = [env::GH_TOKEN, env::GITHUB_TOKEN];

/// Finds the token: a file before a variable, because only a file can be renewed.
pub(super) fn token(environment: &Environment, is_github: bool) -> Option<TokenSource> {
    let file = |variable: &'static str| {
        let path = environment.path(variable)?;
        Some(TokenSource::File { variable, path })
    };
    let text = |variable: &'static str| {
        let value = environment.get(variable)?.trim();
        (!value.is_empty()).then(|| TokenSource::Variable {
            variable,
            value: Secret::new(value.to_owned()),
        })
    };
    let of_github = || {
        let found = GITHUB_FILES.into_iter().find_map(file);
        found.or_else(|| GITHUB_VARIABLES.into_iter().find_map(text))
    };
    file(env::VCS_TOKEN_FILE)
        .or_else(|| is_github.then(of_github)?)
        .or_else(|| text(env::VCS_TOKEN))
}

/// The user name beside a token (contract §4.2); for a provider that nobody names, the host's.
pub(super) fn default_username(provider: Option<&str>, host: &str) -> &'static str {
    match (provider, host) {
        (Some("gitlab"), _) | (None, "gitlab.com") => "oauth2",
        (Some("bitbucket"), _) | (None, "bitbucket.org") => "x-token-auth",
        (Some("github") | None, _) => "x-access-token",
        (Some(_), _) => "git",
    }
}

pub(super) fn is_of_github(host: &str) -> bool {
    host == "github.com" || host.ends_with(".github.com") || host.ends_with(".ghe.com")
}

pub(super) fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

/// Reads proxies as curl does: the lower-case name wins.
pub(super) fn proxies(environment: &Environment) -> Proxies {
    let first = |names: &[&str]| {
        let found = names.iter().find_map(|name| environment.get(name));
        found.map(str::to_owned)
    };
    Proxies {
        https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]).map(Secret::new),
        http: first(&["http_proxy", "all_proxy", "ALL_PROXY"]).map(Secret::new),
        none: first(&["no_proxy", "NO_PROXY"]),
    }
}
