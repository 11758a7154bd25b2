//! The smart protocol over HTTP: one GET for the references, one POST a round (gitprotocol-http(5)).
//!
//! The first request carries no credentials, as git's does; they follow when the server asks, and
//! only to the host that they are for. The token is read anew for every request, so that a mounted
//! secret may be renewed in the middle of a clone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent_plan::plan::{Access, Remote, Scheme, TokenSource};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Proxy, Response, StatusCode, Url, redirect};

use crate::trust;

use answer::{body, redirection, retry_after};
use proxy::Route;
use token::{basic, read_token};

mod answer;
mod direct;
mod error;
mod proxy;
mod token;

pub(super) use answer::Body;
pub(super) use error::HttpError;

/// Servers look at the first word: some speak git only with what calls itself so.
const USER_AGENT: &str = concat!("git/2.0 (agent-runner ", env!("CARGO_PKG_VERSION"), ")");

/// As many as git follows.
const REDIRECTS: usize = 5;

const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
const SERVICE: &str = "service=git-upload-pack";
const REQUEST: &str = "application/x-git-upload-pack-request";
const RESULT: &str = "application/x-git-upload-pack-result";

/// A git server.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    route: Arc<Route>,
    access: Access,
    state: Mutex<State>,
}

#[derive(Debug, Clone)]
struct State {
    /// Where the repository is, after redirections.
    base: String,
    /// Whether the server has asked for credentials.
    asked: bool,
}

impl Http {
    /// Makes a client for one repository; connects to nothing.
    ///
    /// # Errors
    ///
    /// Returns [`HttpError::Authorities`] or [`HttpError::Client`].
    pub(super) fn new(
        remote: &Remote,
        access: &Access,
        connect: Duration,
    ) -> Result<Self, HttpError> {
        let route = Arc::new(Route::new(&access.proxies));
        let proxies = Arc::clone(&route);
        let builder = Client::builder()
            .tls_backend_preconfigured(trust::client_config(
                access.ca_bundle.as_deref(),
                &access.ca_files,
            )?)
            // Only the proxies of the plan: reqwest would look into the process's environment.
            .no_proxy()
            .proxy(Proxy::custom(move |url| proxies.to(url).ok()?.cloned()))
            .redirect(redirect::Policy::none())
            .user_agent(USER_AGENT)
            .connect_timeout(connect)
            .http1_only();
        Ok(Self {
            client: builder.build().map_err(HttpError::Client)?,
            route,
            access: access.clone(),
            state: Mutex::new(State {
                base: remote.url(),
                asked: false,
            }),
        })
    }

    /// Asks for the references.
    ///
    /// # Errors
    ///
    /// Returns [`HttpError`]; nothing was changed anywhere.
    pub(super) async fn advertise(&self) -> Result<Body, HttpError> {
        let mut url = format!("{}/info/refs?{SERVICE}", self.state().base);
        for _ in 0..=REDIRECTS {
            let response = self.send(Method::GET, &url, None).await?;
            let Some(to) = redirection(&response) else {
                let base = response.url().as_str().trim_end_matches(SERVICE);
                let base = base.trim_end_matches("/info/refs?").to_owned();
                self.update(|state| state.base = base);
                return body(response, ADVERTISEMENT);
            };
            url = Self::follow(&response, &to?)?;
        }
        Err(HttpError::Redirected {
            host: self.host(),
            to: shown(&url),
            why: "again and again",
        })
    }

    /// Sends one round of negotiation.
    ///
    /// # Errors
    ///
    /// Returns [`HttpError`].
    pub(super) async fn upload_pack(&self, request: Vec<u8>) -> Result<Body, HttpError> {
        let url = format!("{}/git-upload-pack", self.state().base);
        let response = self.send(Method::POST, &url, Some(request)).await?;
        if let Some(to) = redirection(&response) {
            return Err(HttpError::Redirected {
                host: self.host(),
                to: shown(&to?),
                why: "in the middle of a fetch",
            });
        }
        body(response, RESULT)
    }

    /// Sends a request, with credentials as soon as the server asks for them.
    async fn send(
        &self,
        method: Method,
        url: &str,
        request: Option<Vec<u8>>,
    ) -> Result<Response, HttpError> {
        let mut tried: Option<HeaderValue> = None;
        loop {
            let url: Url = url.parse().map_err(|_| HttpError::Redirected {
                host: self.host(),
                to: shown(url),
                why: "which is no URL",
            })?;
            // The client would go round a proxy that is none.
            self.route.to(&url)?;
            let credentials = if self.state().asked {
                self.credentials(&url)?
            } else {
                None
            };
            let mut builder = self.client.request(method.clone(), url.clone());
            builder = match &request {
                Some(bytes) => builder
                    .header(CONTENT_TYPE, REQUEST)
                    .header(ACCEPT, RESULT)
                    .body(bytes.clone()),
                None => builder.header(ACCEPT, "*/*"),
            };
            if let Some(credentials) = &credentials {
                builder = builder.header(AUTHORIZATION, credentials.clone());
            }
            let response = builder.send().await;
            let response = response.map_err(|source| self.unreachable(&url, source))?;
            let status = response.status();
            if status.is_success() || status.is_redirection() {
                return Ok(response);
            }
            // Some servers hide what is private behind 404, and some answer 403 to strangers.
            let may_want = matches!(status.as_u16(), 401 | 403 | 404);
            if may_want && credentials.is_none() && self.credentials(&url)?.is_some() {
                self.update(|state| state.asked = true);
                continue;
            }
            // A file may have been renewed since it was read; the same token need not be shown twice.
            if status == StatusCode::UNAUTHORIZED && tried.is_none() && credentials.is_some() {
                tried = credentials;
                if self.credentials(&url)? != tried {
                    continue;
                }
            }
            return Err(self.refusal(&url, &response));
        }
    }

    /// Says why there is no answer.
    fn unreachable(&self, url: &Url, source: reqwest::Error) -> HttpError {
        let (host, proxy) = (authority(url), self.route.shown(url));
        match proxy {
            Some(proxy) if wants_proxy_credentials(&source) => {
                HttpError::ProxyRefused { host, proxy }
            }
            proxy => HttpError::Unreachable {
                host,
                proxy,
                source: source.without_url(),
            },
        }
    }

    /// Says what an answer means that is no success.
    fn refusal(&self, url: &Url, response: &Response) -> HttpError {
        let (host, status) = (authority(url), response.status());
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            && let Some(proxy) = self.route.shown(url)
        {
            return HttpError::ProxyRefused { host, proxy };
        }
        let tried = if self.state().asked && self.is_ours(url) {
            let source = match &self.access.token {
                Some(TokenSource::File { variable, .. }) => format!("the file of `${variable}`"),
                Some(TokenSource::Variable { variable, .. }) => format!("`${variable}`"),
                None => String::new(),
            };
            format!(
                "user `{}` with the token from {source}",
                self.access.username
            )
        } else {
            "a request without credentials".to_owned()
        };
        match status.as_u16() {
            401 | 403 => HttpError::Refused {
                host,
                status,
                tried,
            },
            404 | 410 => HttpError::NotFound {
                host,
                status,
                tried,
            },
            _ => HttpError::Status {
                host,
                status,
                retry_after: retry_after(response),
            },
        }
    }

    /// Returns the header for this URL, if there are credentials that are for it.
    fn credentials(&self, url: &Url) -> Result<Option<HeaderValue>, HttpError> {
        if !self.is_ours(url) {
            return Ok(None);
        }
        let Some(token) = &self.access.token else {
            return Ok(None);
        };
        let token = match token {
            TokenSource::Variable { value, .. } => value.expose().clone(),
            TokenSource::File { variable, path } => {
                read_token(path).map_err(|source| HttpError::Token {
                    variable,
                    path: path.clone(),
                    source,
                })?
            }
        };
        Ok(Some(basic(&self.access.username, token.trim())))
    }

    /// Says whether the credentials are for this URL: the host of the plan, and TLS unless the plan
    /// itself says `http`.
    fn is_ours(&self, url: &Url) -> bool {
        self.access.host.as_deref() == Some(&authority(url))
            && (url.scheme() == "https" || self.access.scheme == Scheme::Http)
    }

    fn follow(response: &Response, to: &str) -> Result<String, HttpError> {
        let refuse = |to, why| {
            Err(HttpError::Redirected {
                host: authority(response.url()),
                to,
                why,
            })
        };
        let Ok(mut target) = response.url().join(to) else {
            return refuse(shown(to), "which is no URL");
        };
        let shown = shown(target.as_str());
        if !matches!(target.scheme(), "http" | "https") {
            return refuse(shown, "which is not HTTP");
        }
        // Whoever redirects does not choose as whom we come.
        let is_bare = target.set_username("").is_ok() && target.set_password(None).is_ok();
        if response.url().scheme() == "https" && target.scheme() == "http" {
            return refuse(shown, "out of TLS");
        }
        let is_listing = target.path().ends_with("/info/refs") && target.query() == Some(SERVICE);
        if !is_bare || !is_listing {
            return refuse(shown, "which is not where its references would be");
        }
        target.set_fragment(None);
        Ok(target.to_string())
    }

    fn host(&self) -> String {
        let base = self.state().base;
        base.parse().map_or(base, |url: Url| authority(&url))
    }

    fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What the tunnel of the library says of a 407 has no type of its own that we could see.
fn wants_proxy_credentials(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.to_string() == "tunnel error: proxy authorization required" {
            return true;
        }
        cause = error.source();
    }
    false
}

/// `host` or `host:port`, as [`Remote::authority`] has it.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A URL as others may see it: what a server sends may have a token in it.
fn shown(url: &str) -> String {
    if let Ok(url) = Url::parse(url) {
        return format!("{}://{}{}", url.scheme(), authority(&url), url.path());
    }
    let before_query = url.split(['?', '#']).next().unwrap_or_default();
    let after_user = before_query.rsplit('@').next().unwrap_or_default();
    after_user.to_owned()
}

#[cfg(test)]
mod tests;
