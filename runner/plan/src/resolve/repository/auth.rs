//! How a provider authenticates (contract §4.2).

use serde_json::Value;

use crate::manifest::shown;
use crate::resource::{AuthMethod, KeyRef, VcsAuth, VersionControlSpec};

use super::super::controller::Controller;
use super::super::field::Field;
use super::super::notes::Notes;
use super::super::refusal::{Reason, Refusal};
use super::super::said;
use super::server;

/// What a kind of git server takes.
#[derive(Debug)]
struct Server {
    name: &'static str,
    methods: &'static [AuthMethod],
    tokens: &'static [&'static str],
    default_token: Option<&'static str>,
    deprecated: &'static [&'static str],
    username: &'static str,
}

const USUAL: &[AuthMethod] = &[AuthMethod::Token, AuthMethod::Ssh, AuthMethod::None];

/// Any other is as the last.
const SERVERS: [Server; 5] = [
    Server {
        name: "github",
        methods: &[
            AuthMethod::Token,
            AuthMethod::App,
            AuthMethod::Ssh,
            AuthMethod::None,
        ],
        tokens: &["pat", "fine_grained", "access_token"],
        default_token: Some("fine_grained"),
        deprecated: &["pat"],
        username: "x-access-token",
    },
    Server {
        name: "gitlab",
        methods: USUAL,
        tokens: &["pat", "access_token"],
        default_token: Some("access_token"),
        deprecated: &[],
        username: "oauth2",
    },
    Server {
        name: "bitbucket",
        methods: USUAL,
        tokens: &["access_token"],
        default_token: Some("access_token"),
        deprecated: &[],
        username: "x-token-auth",
    },
    Server {
        name: "gitea",
        methods: USUAL,
        tokens: &["api_token", "access_token"],
        default_token: Some("api_token"),
        deprecated: &[],
        username: "git",
    },
    Server {
        name: "generic",
        methods: USUAL,
        tokens: &["pat", "fine_grained", "api_token", "access_token"],
        default_token: None,
        deprecated: &[],
        username: "git",
    },
];

/// A way to authenticate that its kind of git server takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Auth {
    pub(super) method: AuthMethod,
    server: &'static Server,
}

impl Auth {
    /// Chooses it, and looks whether the server takes it.
    pub(super) fn of(
        spec: &VersionControlSpec,
        field: &Field<'_>,
        controller: &Controller,
        notes: &mut Notes,
    ) -> Result<Self, Refusal> {
        let kind = server(spec);
        let server = SERVERS.iter().find(|server| server.name == kind);
        let server = server.unwrap_or(&SERVERS[SERVERS.len() - 1]);
        let method = method(spec.auth.as_ref());
        if !server.methods.contains(&method) {
            let methods: Vec<_> = server.methods.iter().copied().map(word).collect();
            let message = format!(
                "the method `{}` is none of `{}`, which takes {}",
                word(method),
                server.name,
                methods.join(", ")
            );
            let field = field.key("method");
            return Err(field.refused(Reason::UnsupportedVcsAuth, message));
        }
        if method == AuthMethod::Token {
            let token = spec.auth.as_ref().and_then(|auth| auth.token.as_ref());
            let told = token.and_then(|token| said(token.kind.as_deref()));
            let token = told
                .map(token_type)
                .or(server.default_token.map(str::to_owned));
            if let Some(token) = token {
                let field = field.at("token.type");
                server.take(&token, &field)?;
                server.frown(kind, &token, &field, controller, notes);
            }
        }
        Ok(Self { method, server })
    }

    /// Says whether there is one.
    pub(super) fn is_some(self) -> bool {
        self.method != AuthMethod::None
    }

    /// The user name: what the provider says, else what the server wants beside a token.
    pub(super) fn username<'s>(&self, spec: &'s VersionControlSpec) -> Option<&'s str> {
        let told = spec
            .auth
            .as_ref()
            .and_then(|auth| said(auth.username.as_deref()));
        let beside_token = matches!(self.method, AuthMethod::Token | AuthMethod::App);
        told.or(Some(self.server.username).filter(|_| beside_token))
    }
}

impl Server {
    fn take(&self, token: &str, field: &Field<'_>) -> Result<(), Refusal> {
        if self.tokens.contains(&token) {
            return Ok(());
        }
        let message = format!(
            "the type `{}` is none of `{}`, which takes {}",
            shown(token),
            self.name,
            self.tokens.join(", ")
        );
        Err(field.refused(Reason::UnsupportedVcsAuth, message))
    }

    /// Notes that the type is only taken for now.
    fn frown(
        &self,
        kind: &str,
        token: &str,
        field: &Field<'_>,
        controller: &Controller,
        notes: &mut Notes,
    ) {
        let told = controller
            .deprecated_tokens
            .get(kind)
            .and_then(Value::as_array);
        let deprecated = match told {
            Some(types) => types
                .iter()
                .filter_map(|it| said(it.as_str()))
                .any(|it| token_type(it) == token),
            None => self.deprecated.contains(&token),
        };
        if deprecated {
            let message = format!("the type `{token}` is deprecated for `{}`", self.name);
            notes.deprecated(field, message);
        }
    }
}

fn method(auth: Option<&VcsAuth>) -> AuthMethod {
    let Some(auth) = auth else {
        return AuthMethod::None;
    };
    let named =
        |reference: Option<&KeyRef>| reference.and_then(|it| said(Some(&it.name))).is_some();
    let token = auth.token.as_ref().and_then(|it| it.secret_ref.as_ref());
    let app = auth
        .app
        .as_ref()
        .and_then(|it| it.private_key_secret_ref.as_ref());
    let ssh = auth
        .ssh
        .as_ref()
        .and_then(|it| it.private_key_secret_ref.as_ref());
    auth.method.unwrap_or(match () {
        () if named(token) => AuthMethod::Token,
        () if named(app) => AuthMethod::App,
        () if named(ssh) => AuthMethod::Ssh,
        () => AuthMethod::None,
    })
}

fn word(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::Token => "token",
        AuthMethod::App => "app",
        AuthMethod::Ssh => "ssh",
        AuthMethod::None => "none",
    }
}

/// The type that is meant by one of its names.
fn token_type(told: &str) -> String {
    let told = told.to_lowercase().replace('-', "_");
    match told.as_str() {
        "personal_access_token" => "pat".to_owned(),
        "finegrained" => "fine_grained".to_owned(),
        "api" => "api_token".to_owned(),
        "access" => "access_token".to_owned(),
        _ => told,
    }
}
