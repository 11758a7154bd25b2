//! Why a server could not be spoken to over HTTP.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;

use crate::trust::TrustError;

/// Why a server could not be spoken to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The authorities cannot be used.
    #[error("TLS cannot be set up")]
    Authorities(#[from] TrustError),
    /// A proxy's URL is not one.
    #[error("what `{variable}` or `all_proxy` names is no HTTP proxy")]
    Proxy {
        /// The variable.
        variable: &'static str,
    },
    /// The client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// No connection, or it broke before an answer.
    #[error("no answer from `{host}`{}", through(proxy.as_deref()))]
    Unreachable {
        /// The server.
        host: String,
        /// The proxy on the way to it.
        proxy: Option<String>,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The proxy wants other credentials than its URL has.
    #[error("the proxy `{proxy}` answered 407: it refuses us the way to `{host}`")]
    ProxyRefused {
        /// The server.
        host: String,
        /// The proxy, without user and password.
        proxy: String,
    },
    /// The connection broke in the middle of an answer.
    #[error("the answer of `{host}` broke off after {received} bytes")]
    Broken {
        /// The server.
        host: String,
        /// Bytes of it that came.
        received: u64,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The server wants other credentials than there are.
    #[error("`{host}` answered {status}: it refuses {tried}")]
    Refused {
        /// The server.
        host: String,
        /// 401 or 403.
        status: StatusCode,
        /// What was tried, without the token.
        tried: String,
    },
    /// The token's file cannot be read.
    #[error("the token file `{}` named by `${variable}` cannot be used", path.display())]
    Token {
        /// The variable.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server has no such repository, or does not show it to us.
    #[error("`{host}` answered {status}: no such repository, or none that {tried} may see")]
    NotFound {
        /// The server.
        host: String,
        /// 404 or 410.
        status: StatusCode,
        /// What was tried.
        tried: String,
    },
    /// The server answered something else than what was asked.
    #[error("`{host}` answered {status}")]
    Status {
        /// The server.
        host: String,
        /// The code.
        status: StatusCode,
        /// When to come again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The answer is not git's.
    #[error("`{host}` answered with `{content_type}`, which is not git's smart protocol")]
    NotGit {
        /// The server.
        host: String,
        /// What it sent.
        content_type: String,
    },
    /// A redirection that must not be followed.
    #[error("`{host}` redirects to `{to}`, {why}")]
    Redirected {
        /// The server.
        host: String,
        /// Where to; without user and query.
        to: String,
        /// Why that is not followed.
        why: &'static str,
    },
}

fn through(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy `{proxy}`"))
}
