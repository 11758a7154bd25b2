//! Through whom a server is reached: the proxies of the plan, and the hosts that need none.

use agent_plan::plan::Proxies;
use agent_plan::secret::Secret;
use reqwest::Url;

use super::HttpError;
use super::direct::Direct;

/// The way to any server.
#[derive(Debug, Default)]
pub(super) struct Route {
    https: Option<Through>,
    http: Option<Through>,
    direct: Vec<Direct>,
}

/// A proxy, or the variable that should name one and does not: an error only for whom it is asked.
type Through = Result<Url, &'static str>;

impl Route {
    /// Reads the proxies of a plan.
    pub(super) fn new(proxies: &Proxies) -> Self {
        let read = |url: &Option<Secret<String>>, variable| {
            let url = url.as_ref()?;
            Some(proxy(url.expose()).ok_or(variable))
        };
        let none = proxies.none.as_deref().unwrap_or_default();
        Self {
            https: read(&proxies.https, "https_proxy"),
            http: read(&proxies.http, "http_proxy"),
            // curl takes both, and people write both.
            direct: none.split([',', ' ']).filter_map(Direct::parse).collect(),
        }
    }

    /// Returns the proxy on the way to a server.
    ///
    /// # Errors
    ///
    /// Returns [`HttpError::Proxy`] for what is no HTTP proxy: going round it would be worse.
    pub(super) fn to(&self, url: &Url) -> Result<Option<&Url>, HttpError> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref(),
            _ => self.http.as_ref(),
        };
        let is_direct = self.direct.iter().any(|direct| direct.has(url));
        match proxy.filter(|_| !is_direct) {
            Some(Ok(proxy)) => Ok(Some(proxy)),
            Some(Err(variable)) => Err(HttpError::Proxy { variable }),
            None => Ok(None),
        }
    }

    /// Returns the proxy on the way to a server as others may see it.
    pub(super) fn shown(&self, url: &Url) -> Option<String> {
        self.to(url).ok().flatten().map(super::authority)
    }
}

/// Takes the URL of an HTTP proxy, or its host and port alone.
fn proxy(text: &str) -> Option<Url> {
    let text = text.trim();
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("http://{text}"))
    };
    url.ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
}

#[cfg(test)]
mod tests;
