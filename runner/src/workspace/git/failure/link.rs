//! What a failure on the way to the server is called, and what to do about it.

use std::io::ErrorKind;

use super::super::fetch::FetchError;
use super::super::http::HttpError;
use super::super::link::LinkError;
use super::super::ssh::SshError;

/// What to do about a server that does not even take a connection.
const SLOW_CONNECT: &str = "check name, network policy and proxy, or raise \
    `workspace.timeouts.connect` if the way is long";

pub(super) fn reason(error: &LinkError) -> &'static str {
    match error {
        LinkError::Http(error) => match error {
            HttpError::Refused { .. } => "CredentialsRefused",
            HttpError::NotFound { .. } => "RepositoryNotFound",
            HttpError::ProxyRefused { .. } => "ProxyRefused",
            HttpError::Token { .. } => "TokenUnreadable",
            HttpError::NotGit { .. } | HttpError::Redirected { .. } => "NotGit",
            HttpError::Authorities(_) | HttpError::Proxy { .. } => "BadTlsOrProxy",
            HttpError::Status { .. } => "ServerFailed",
            HttpError::Unreachable { source, .. } if is_tls(source) => "TlsFailed",
            _ => "Unreachable",
        },
        LinkError::Ssh(error) => error.reason(),
        LinkError::Tcp { .. } => "Unreachable",
        LinkError::Stalled { .. } => "Stalled",
        LinkError::Late(_) => "CheckoutTimeout",
        LinkError::Cancelled => "Cancelled",
    }
}

pub(super) fn hint_of_fetch(error: &FetchError) -> Option<String> {
    match error {
        FetchError::NotFound {
            nearest: Some(nearest),
            ..
        } => Some(format!("did you mean `{nearest}`?")),
        FetchError::Link(error) => hint(error),
        _ => None,
    }
}

pub(super) fn hint(error: &LinkError) -> Option<String> {
    let hint = match error {
        LinkError::Http(HttpError::Refused { .. }) => {
            "renew the token, or give it access to this repository"
        }
        LinkError::Http(HttpError::ProxyRefused { .. }) => {
            "write the proxy's user and password into its URL: `http://user:password@proxy:port`"
        }
        LinkError::Http(HttpError::NotFound { .. }) => {
            "check the repository's name, and that the credentials may see it"
        }
        LinkError::Http(HttpError::Unreachable { source, .. }) if is_tls(source) => {
            "check the server's certificate, `VCS_CA_FILE` and `SSL_CERT_FILE`"
        }
        LinkError::Http(HttpError::Unreachable { source, .. }) if source.is_timeout() => {
            SLOW_CONNECT
        }
        LinkError::Http(HttpError::Unreachable { source, .. }) if source.is_connect() => {
            "check name, network policy and `HTTPS_PROXY`"
        }
        LinkError::Tcp { source, .. } if source.kind() == ErrorKind::TimedOut => SLOW_CONNECT,
        LinkError::Ssh(error) if matches!(**error, SshError::Timeout { .. }) => SLOW_CONNECT,
        LinkError::Ssh(error) => return error.hint(),
        LinkError::Stalled { .. } => "raise `workspace.timeouts.transfer` if the server is slow",
        LinkError::Late(_) => "raise `workspace.timeouts.total`",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Says whether TLS failed: no other attempt mends a certificate.
pub(super) fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An `io::Error` hides what it was made from, which may be another one.
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
