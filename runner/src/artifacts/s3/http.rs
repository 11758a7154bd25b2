//! The SDK's requests over the runner's one HTTP client, with its one TLS stack.

use std::path::PathBuf;
use std::time::Duration;

use agent_plan::plan::S3Plan;
use aws_sdk_s3::config::RuntimeComponents;
use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use reqwest::{Method, redirect};

use crate::trust::{self, TrustError};

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(10);

/// The longest answer that is read: a list of errors has a few KB.
const LONGEST_ANSWER: usize = 4 << 20;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(in crate::artifacts) enum ClientError {
    /// The authorities cannot be used.
    #[error(transparent)]
    Authorities(#[from] TrustError),
    /// The cluster's token for a role cannot be read.
    #[error("the token in `{}`, which `AWS_WEB_IDENTITY_TOKEN_FILE` names, cannot be read", path.display())]
    Token {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// The client, as the SDK wants it. Clones share its connections.
#[derive(Debug, Clone)]
pub(super) struct Connector(reqwest::Client);

impl Connector {
    /// Makes it; connects to nothing. Proxies are those of the process's environment.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`].
    pub(super) fn new(plan: &S3Plan) -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(trust::client_config(
                plan.ca_bundle.as_deref(),
                &plan.ca_file,
            )?)
            // What is signed is for one host.
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .http1_only()
            .build()
            .map_err(ClientError::Client)?;
        Ok(Self(client))
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move { exchange(&client, request).await })
    }
}

async fn exchange(
    client: &reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let user = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
    let method = Method::from_bytes(request.method().as_bytes());
    let mut asked = client.request(
        method.map_err(|error| user(error.into()))?,
        request.uri().to_owned(),
    );
    for (name, value) in request.headers() {
        asked = asked.header(name, value);
    }
    // All of them are in memory, and taken as they are.
    let body = ByteStream::new(request.into_body()).collect().await;
    let body = body.map_err(|error| user(error.into()))?.into_bytes();
    let mut response = asked.body(body).send().await.map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > LONGEST_ANSWER {
            return Err(user("the answer has more than 4 MiB".into()));
        }
        bytes.extend_from_slice(&chunk);
    }
    let status = StatusCode::try_from(response.status().as_u16());
    let status = status.map_err(|error| user(error.into()))?;
    let mut answer = HttpResponse::new(status, SdkBody::from(bytes));
    for (name, value) in response.headers() {
        // What is not text is nothing that the SDK reads.
        if let Ok(value) = value.to_str() {
            answer
                .headers_mut()
                .try_append(name.as_str().to_owned(), value.to_owned())
                .map_err(|error| user(error.into()))?;
        }
    }
    Ok(answer)
}

fn failed(error: reqwest::Error) -> ConnectorError {
    let is_timeout = error.is_timeout();
    // The URL of a request for credentials may be one of somebody's metadata.
    let error = error.without_url().into();
    if is_timeout {
        ConnectorError::timeout(error)
    } else {
        ConnectorError::io(error)
    }
}
