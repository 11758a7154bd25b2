//! What the exporter posts over: the runner's one HTTP client, with its one TLS stack.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::settings::Settings;
use crate::{report, trust};

/// Why nothing can be posted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ClientError {
    /// The collector's authorities cannot be read.
    #[error("the certificates in `{}` cannot be read", path.display())]
    Certificates {
        /// Their file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A header's name or value cannot be one; which is not said, because it may be a secret.
    #[error("`OTEL_EXPORTER_OTLP_HEADERS` has what cannot be a header")]
    Header,
    /// The cryptography of this build refuses the protocol versions.
    #[error("rustls refuses its own defaults")]
    Versions(#[source] rustls::Error),
    /// The client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// Why the last request failed.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    /// In words, without the URL and without headers.
    pub(super) words: String,
    /// Whether the same request would fail again.
    pub(super) lasts: bool,
}

/// A client for one collector. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    headers: HeaderMap,
    problem: Arc<Mutex<Option<Problem>>>,
}

impl Client {
    /// Makes it; connects to nothing. Proxies are those of the process's environment.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`].
    pub(super) fn new(settings: &Settings) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|_| ClientError::Header)?;
            let value = HeaderValue::from_str(value.expose());
            let mut value = value.map_err(|_| ClientError::Header)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let is_tls = settings.endpoint.expose().scheme() == "https";
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(is_tls, settings.certificate.as_deref())?)
            // Headers are for the collector, and for nobody whom it names.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("agent-runner/", env!("CARGO_PKG_VERSION")))
            .timeout(settings.timeout)
            .http1_only()
            .build()
            .map_err(ClientError::Client)?;
        Ok(Self {
            http,
            headers,
            problem: Arc::default(),
        })
    }

    /// Returns why the last request failed, if it did.
    pub(super) fn problem(&self) -> Option<Problem> {
        let problem = self.problem.lock();
        problem.unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, words: String, lasts: bool) {
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        *problem = Some(Problem { words, lasts });
    }

    async fn post(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut headers = self.headers.clone();
        // The rest of what the library sends is what it found in the environment by itself.
        for name in [CONTENT_TYPE, CONTENT_ENCODING] {
            if let Some(value) = request.headers().get(&name) {
                headers.insert(name, value.clone());
            }
        }
        let url = request.uri().to_string();
        let posted = self
            .http
            .post(url)
            .headers(headers)
            .body(request.into_body());
        let status = match posted.send().await {
            Ok(response) => response.status(),
            Err(error) => {
                let error = error.without_url();
                self.note(report::sentence(&error, None), false);
                return Err(error.into());
            }
        };
        if !status.is_success() {
            // Those that the protocol says to try again.
            let busy = [
                StatusCode::TOO_MANY_REQUESTS,
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT,
            ];
            self.note(
                format!("the collector answered {status}"),
                !busy.contains(&status),
            );
        }
        // Nobody looks at what else it says.
        Ok(Response::builder().status(status).body(Bytes::new())?)
    }
}

impl HttpClient for Client {
    fn send_bytes<'client, 'sent>(
        &'client self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'client: 'sent,
        Self: 'sent,
    {
        Box::pin(self.post(request))
    }
}

/// Makes the TLS configuration; authorities are only looked for where they are needed.
fn tls(is_needed: bool, certificate: Option<&Path>) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    match certificate {
        _ if !is_needed => {}
        Some(path) => {
            let unreadable = |source| ClientError::Certificates {
                path: path.to_owned(),
                source,
            };
            let file = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
            let all = file.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
            roots.add_parsable_certificates(all);
        }
        None => trust::add_system(&mut roots),
    }
    Ok(trust::builder(roots)
        .map_err(ClientError::Versions)?
        .with_no_client_auth())
}
