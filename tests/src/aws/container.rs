//! What is asked for keys beside a container: by ECS, and by the pod identities of EKS.

use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Answer, Endpoint};
use crate::S3Server;

/// An endpoint for `AWS_CONTAINER_CREDENTIALS_FULL_URI`: keys for whoever sends a token.
#[derive(Debug)]
pub struct ContainerCredentials {
    pub(super) endpoint: Endpoint,
    token: Arc<Mutex<Option<String>>>,
}

impl ContainerCredentials {
    /// Gives keys that a server lets in to whoever has this token in `Authorization`, exactly as it
    /// is: pod identities read it from `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
    pub fn new(server: &S3Server, token: &str) -> Self {
        Self::of(server, Some(token.to_owned()))
    }

    /// Gives keys to everybody, as ECS does.
    pub fn open(server: &S3Server) -> Self {
        Self::of(server, None)
    }

    fn of(server: &S3Server, token: Option<String>) -> Self {
        let token = Arc::new(Mutex::new(token));
        let wanted = Arc::clone(&token);
        let endpoint = Endpoint::new(server, move |head, _, shared| {
            if head.method != "GET" || head.target != "/v1/credentials" {
                return Answer::text(404, "it only knows `GET /v1/credentials`");
            }
            let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
            if wanted.is_some() && head.header("authorization") != wanted.as_deref() {
                return Answer::text(401, "the token is not the one that it should be");
            }
            let (keys, until) = shared.give();
            let text = json!({
                "AccessKeyId": keys.access_key,
                "SecretAccessKey": keys.secret_key,
                "Token": keys.session_token,
                "AccountId": "123456789012",
                "Expiration": until,
            });
            Answer::new(200, "application/json", text.to_string())
        });
        Self { endpoint, token }
    }

    /// Wants another token from now on, as when Kubernetes has replaced it.
    pub fn set_token(&self, token: &str) {
        let mut wanted = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        *wanted = Some(token.to_owned());
    }

    /// Its URL, with the path.
    pub fn url(&self) -> String {
        format!("{}/v1/credentials", self.endpoint.url())
    }
}
