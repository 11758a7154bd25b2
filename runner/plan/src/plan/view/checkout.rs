//! The checkout as others see it: where credentials come from and go to, never what they are.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::plan::{Access, CheckoutPlan, OnBase, Plan, Proxies, TokenSource};
use crate::settings::{Submodules, Trust};

/// What is cloned before the agent starts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckoutView {
    /// From where.
    pub url: String,
    /// The root of the work tree.
    pub dir: String,
    /// The directory in it that becomes the agent's.
    pub path: Option<String>,
    /// Where the work starts; `HEAD` is the remote's default branch.
    pub base: String,
    /// The local branch that the agent works on, if one is asked for.
    pub head: Option<String>,
    /// What is checked out without a head: `branch` or `detached`.
    pub on_base: String,
    /// Commits of history; null: all.
    pub depth: Option<u32>,
    /// Which submodules are checked out too.
    pub submodules: Submodules,
    /// Whether the repository may configure the agent.
    pub trust: Trust,
    /// Files of certificate authorities besides or instead of the system's.
    pub authorities: Vec<String>,
    /// The proxies, without user and password.
    pub proxies: Vec<String>,
    /// Seconds, by timeout; absent: no limit.
    pub timeouts: BTreeMap<String, f64>,
}

impl Plan {
    pub(super) fn checkout_view(&self, clean: &impl Fn(&str) -> String) -> Option<CheckoutView> {
        let checkout: &CheckoutPlan = self.checkout.as_ref()?;
        let lossy = |path: &std::path::Path| clean(&path.to_string_lossy());
        let (access, timeouts) = (&checkout.access, checkout.timeouts);
        let authorities = access.ca_bundle.iter().chain(&access.ca_files);
        let seconds = [
            ("connect", Some(timeouts.connect)),
            ("transfer", Some(timeouts.transfer)),
            ("total", timeouts.total),
        ];
        Some(CheckoutView {
            url: clean(&checkout.remote.url()),
            dir: lossy(&checkout.dir),
            path: checkout.path.as_deref().map(lossy),
            base: clean(&checkout.base.to_string()),
            head: checkout.head.as_ref().map(|head| clean(head.name())),
            on_base: match checkout.on_base {
                OnBase::Detached => "detached".to_owned(),
                OnBase::Branch => "branch".to_owned(),
            },
            depth: checkout.depth.map(std::num::NonZeroU32::get),
            submodules: checkout.submodules,
            trust: checkout.trust,
            authorities: authorities.map(|path| lossy(path)).collect(),
            proxies: proxies(&access.proxies, clean),
            timeouts: seconds
                .into_iter()
                .filter_map(|(name, span)| Some((name.to_owned(), span?.as_secs_f64())))
                .collect(),
        })
    }

    /// Says where the git credentials come from and to whom they go, if there are any.
    pub(super) fn credentials_view(&self, clean: &impl Fn(&str) -> String) -> Vec<String> {
        let Some(access) = &self.access else {
            return Vec::new();
        };
        let host = access.host.as_deref().unwrap_or("no host");
        let token = access.token.as_ref().map(|token| {
            let origin = match token {
                TokenSource::File { variable, .. } => format!("the file of ${variable}"),
                TokenSource::Variable { variable, .. } => format!("${variable}"),
            };
            format!("token from {origin} for {host} as {}", access.username)
        });
        [token, key(access)]
            .into_iter()
            .flatten()
            .map(|text| clean(&text))
            .collect()
    }
}

fn key(access: &Access) -> Option<String> {
    let ssh = &access.ssh;
    let known = match (&ssh.known_hosts, ssh.accept_new) {
        (Some(path), false) => format!("hosts of {}", path.display()),
        (Some(path), true) => format!("hosts of {} and new ones", path.display()),
        (None, true) => "any new host".to_owned(),
        (None, false) => "no known host".to_owned(),
    };
    let key = ssh.key.as_ref()?.display();
    Some(format!("ssh key {key} as {}, for {known}", ssh.user))
}

fn proxies(proxies: &Proxies, clean: &impl Fn(&str) -> String) -> Vec<String> {
    let named = |scheme: &str, url: &str| {
        let (_, rest) = url.split_once("://").unwrap_or(("", url));
        // What stands before the last `@` may be a password, whatever it looks like.
        let host = rest.rsplit('@').next().unwrap_or_default();
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        format!("{scheme}: {}", clean(host))
    };
    let secret = |scheme, url: &Option<crate::secret::Secret<String>>| {
        url.as_ref().map(|url| named(scheme, url.expose()))
    };
    let none = proxies.none.as_ref();
    [
        secret("https", &proxies.https),
        secret("http", &proxies.http),
        none.map(|hosts| format!("none: {}", clean(hosts))),
    ]
    .into_iter()
    .flatten()
    .collect()
}
