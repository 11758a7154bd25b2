//! What becomes of a way to authenticate in a pod (contract §4.1, §4.2).

use serde_json::{Value, json};

use crate::manifest::shown;
use crate::resource::{AppAuth, AuthMethod, KeyRef, VcsAuth, VersionControlSpec};

use super::super::field::Field;
use super::super::names::cut_name;
use super::super::notes::{Notes, SecretPurpose};
use super::super::refusal::Reason;
use super::super::said;
use super::super::volumes::Mounted;
use super::auth::Auth;
use super::{Inquiry, Stop, server, variable};

/// Where the ssh key is.
const SSH: &str = "/var/run/secrets/agents/vcs/ssh";

/// Where the keys of hosts are.
const KNOWN_HOSTS: &str = "/var/run/secrets/agents/vcs/known-hosts";

/// The key under which whoever has no controller gives a token that one would get as the app.
const APP_TOKEN: &str = "token";

/// What a pod gets to authenticate.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    pub(super) env: Vec<Value>,
    pub(super) mounted: Vec<Mounted>,
}

impl Inquiry<'_, '_> {
    /// Makes what a pod gets. Whether a Secret is there that nobody gave is for whoever starts the pod
    /// to see.
    pub(super) fn credentials(
        &self,
        spec: &VersionControlSpec,
        auth: &Auth,
        field: &Field<'_>,
        notes: &mut Notes,
    ) -> Result<Credentials, Stop> {
        let told = spec.auth.clone().unwrap_or_default();
        match auth.method {
            AuthMethod::Token => self.token(spec, &told, field, notes),
            AuthMethod::App => self.app(&told, field, notes),
            AuthMethod::Ssh => self.ssh(&told, field, notes),
            AuthMethod::None => Ok(Credentials::default()),
        }
    }

    fn token(
        &self,
        spec: &VersionControlSpec,
        told: &VcsAuth,
        field: &Field<'_>,
        notes: &mut Notes,
    ) -> Result<Credentials, Stop> {
        let reference = told.token.as_ref().and_then(|it| it.secret_ref.as_ref());
        let field = field.at("token.secretRef.name");
        let (secret, key) = self.secret(reference, "token", &field)?;
        self.is_there(secret, &[key], &field)?;
        let names: &[_] = match server(spec) {
            "github" => &["VCS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"],
            _ => &["VCS_TOKEN"],
        };
        let mut credentials = Credentials::default();
        for name in names {
            let purpose = SecretPurpose::Variable((*name).to_owned());
            notes.need(secret, Some(key), purpose, Some(&field));
            credentials.env.push(json!({
                "name": name,
                "valueFrom": { "secretKeyRef": { "name": secret, "key": key } },
            }));
        }
        Ok(credentials)
    }

    /// A controller gets a token with the key and writes it into the Job, which nobody can do who
    /// only reads manifests.
    fn app(
        &self,
        told: &VcsAuth,
        field: &Field<'_>,
        notes: &mut Notes,
    ) -> Result<Credentials, Stop> {
        let field = field.key("app");
        let app = told.app.clone().unwrap_or_default();
        let AppAuth {
            app_id,
            installation_id,
            private_key_secret_ref: reference,
            ..
        } = &app;
        for (name, id) in [("appId", app_id), ("installationId", installation_id)] {
            if !id.as_ref().is_some_and(is_id) {
                let field = field.key(name);
                return Err(
                    self.needed(field.refused(Reason::MissingVcsAuth, "it is missing or blank"))
                );
            }
        }
        let at = field.at("privateKeySecretRef.name");
        let (secret, key) = self.secret(reference.as_ref(), "privateKey", &at)?;
        self.is_there(secret, &[key, APP_TOKEN], &at)?;
        notes.need(secret, Some(key), SecretPurpose::App, Some(&at));
        notes.warn(
            &field,
            "a controller gets a token with it, and writes that where `[secret]` is in the Job",
        );
        let names = ["VCS_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"];
        Ok(Credentials {
            env: names.map(|name| variable(name, "[secret]")).into(),
            mounted: Vec::new(),
        })
    }

    fn ssh(
        &self,
        told: &VcsAuth,
        field: &Field<'_>,
        notes: &mut Notes,
    ) -> Result<Credentials, Stop> {
        let ssh = told.ssh.clone().unwrap_or_default();
        let field = field.key("ssh");
        let named = field.at("privateKeySecretRef.name");
        let reference = ssh.private_key_secret_ref.as_ref();
        let (secret, key) = self.secret(reference, "privateKey", &named)?;
        self.is_there(secret, &[key], &named)?;
        let path = format!("{SSH}/{key}");
        let purpose = SecretPurpose::File(path.clone());
        notes.need(secret, Some(key), purpose, Some(&named));
        let mut credentials = Credentials::default();
        credentials.env.push(variable("VCS_SSH_KEY_PATH", &path));
        credentials.mounted.push(Mounted::read_only(
            cut_name(self.ask.name(), "vcs-ssh"),
            json!({
                "secret": { "secretName": secret, "items": [{ "key": key, "path": key }] },
            }),
            SSH,
        ));
        let hosts = ssh.known_hosts_config_map_ref.as_ref();
        if let Some(name) = hosts.and_then(|it| said(Some(&it.name))) {
            let key = hosts.and_then(|it| said(it.key.as_deref()));
            let key = key.unwrap_or("known_hosts");
            let path = format!("{KNOWN_HOSTS}/{key}");
            credentials
                .env
                .push(variable("VCS_SSH_KNOWN_HOSTS_PATH", &path));
            credentials.mounted.push(Mounted::read_only(
                cut_name(self.ask.name(), "vcs-known-hosts"),
                json!({
                    "configMap": { "name": name, "items": [{ "key": key, "path": key }] },
                }),
                KNOWN_HOSTS,
            ));
        }
        Ok(credentials)
    }

    /// Looks whether the run may have the Secret that a provider names: its name and key.
    fn secret<'r>(
        &self,
        reference: Option<&'r KeyRef>,
        default_key: &'r str,
        field: &Field<'_>,
    ) -> Result<(&'r str, &'r str), Stop> {
        let Some(name) = reference.and_then(|it| said(Some(&it.name))) else {
            return Err(
                self.needed(field.refused(Reason::MissingVcsAuth, "it is missing or blank"))
            );
        };
        let permitted = self.secrets.unblock(name, field);
        permitted
            .and_then(|()| self.secrets.allow(name, field))
            .map_err(|refusal| self.needed(refusal))?;
        let key = reference.and_then(|it| said(it.key.as_deref()));
        Ok((name, key.unwrap_or(default_key)))
    }

    /// Looks whether a Secret that is among the manifests has something under one of `keys`. Whether
    /// any other is there, only a cluster knows.
    fn is_there(&self, secret: &str, keys: &[&str], field: &Field<'_>) -> Result<(), Stop> {
        let says = |key: &&str| {
            let value = self.ask.secret(secret, key);
            value
                .is_some_and(|bytes| said(Some(&String::from_utf8_lossy(bytes.expose()))).is_some())
        };
        if keys.iter().any(says) || !self.ask.has_secret(secret) {
            return Ok(());
        }
        let (key, secret) = (shown(keys[0]), shown(secret));
        let message = format!("there is nothing under `{key}` of Secret `{secret}`");
        let refusal = field
            .refused(Reason::VcsAuthUnavailable, message)
            .hint(format!(
                "write the key `{key}` to that Secret, or the one it has to `key`"
            ));
        Err(self.needed(refusal))
    }
}

/// Says whether a number, or a text, says something.
fn is_id(id: &Value) -> bool {
    id.is_number() || said(id.as_str()).is_some()
}
