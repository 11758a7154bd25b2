//! Instance metadata, version 2.

use serde_json::json;

use super::{Answer, Endpoint, Shared};
use crate::S3Server;
use crate::git_server::http::Head;

/// The role of the instance.
const ROLE: &str = "runner-node";

/// What it gives for a `PUT`, and wants for a `GET`.
const TOKEN: &str = "instance-metadata-token-0123456789==";

/// The header that has it.
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";

/// The header that says for how long it is good.
const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";

/// Instance metadata for `AWS_EC2_METADATA_SERVICE_ENDPOINT`, with keys for the instance's role.
#[derive(Debug)]
pub struct InstanceMetadata {
    pub(super) endpoint: Endpoint,
}

impl InstanceMetadata {
    /// Gives keys that a server lets in to whoever has asked for a token before.
    pub fn new(server: &S3Server) -> Self {
        Self {
            endpoint: Endpoint::new(server, |head, _, shared| answer(head, shared)),
        }
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        self.endpoint.url()
    }
}

fn answer(head: &Head, shared: &Shared) -> Answer {
    if head.method == "PUT" && head.target == "/latest/api/token" {
        let Some(seconds) = head.header(TTL_HEADER) else {
            return Answer::text(400, "for how long?");
        };
        let header = Some((TTL_HEADER, seconds.to_owned()));
        return Answer {
            header,
            ..Answer::text(200, TOKEN)
        };
    }
    if head.method != "GET" {
        return Answer::text(405, "it can only be read");
    }
    if head.header(TOKEN_HEADER) != Some(TOKEN) {
        return Answer::text(401, "without its token it says nothing");
    }
    let Some(path) = head.target.strip_prefix("/latest/meta-data/") else {
        return Answer::text(404, "there is nothing of that name");
    };
    if path == "placement/region" {
        return Answer::text(200, "us-east-1");
    }
    match path.strip_prefix("iam/security-credentials/") {
        Some("") => Answer::text(200, ROLE),
        Some(ROLE) => {
            let (keys, until) = shared.give();
            let text = json!({
                "Code": "Success",
                "LastUpdated": "2026-01-01T00:00:00Z",
                "Type": "AWS-HMAC",
                "AccessKeyId": keys.access_key,
                "SecretAccessKey": keys.secret_key,
                "Token": keys.session_token,
                "Expiration": until,
            });
            Answer::new(200, "text/plain", text.to_string())
        }
        _ => Answer::text(404, "there is nothing of that name"),
    }
}
