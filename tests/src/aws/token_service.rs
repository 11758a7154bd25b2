//! STS, as far as web identities go.

use percent_encoding::percent_decode;

use super::{Answer, Endpoint, Shared};
use crate::S3Server;
use crate::git_server::http::Head;

/// A token service: keys for a role, for whoever has the token of a service account.
///
/// Its URL is for `AWS_ENDPOINT_URL_STS`.
#[derive(Debug)]
pub struct TokenService {
    pub(super) endpoint: Endpoint,
}

impl TokenService {
    /// Gives keys that a server lets in for this role and this token.
    pub fn new(server: &S3Server, role: &str, token: &str) -> Self {
        let (role, token) = (role.to_owned(), token.to_owned());
        let endpoint = Endpoint::new(server, move |head, body, shared| {
            answer(head, body, shared, &role, &token)
        });
        Self { endpoint }
    }

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        self.endpoint.url()
    }
}

fn answer(head: &Head, body: &[u8], shared: &Shared, role: &str, token: &str) -> Answer {
    let field = |name| field(body, name).unwrap_or_default();
    if head.method != "POST" || field("Action") != "AssumeRoleWithWebIdentity" {
        return refuse(
            400,
            "InvalidAction",
            "it only knows AssumeRoleWithWebIdentity",
        );
    }
    if field("RoleSessionName").is_empty() {
        return refuse(400, "ValidationError", "RoleSessionName must not be empty");
    }
    if field("WebIdentityToken") != token {
        return refuse(
            400,
            "InvalidIdentityToken",
            "No OpenIDConnect provider found",
        );
    }
    if field("RoleArn") != role {
        let text = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
        return refuse(403, "AccessDenied", text);
    }
    let (keys, until) = shared.give();
    let session = field("RoleSessionName");
    let text = format!(
        r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROATESTS:{session}</AssumedRoleId>
      <Arn>{role}/{session}</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{}</AccessKeyId>
      <SecretAccessKey>{}</SecretAccessKey>
      <SessionToken>{}</SessionToken>
      <Expiration>{until}</Expiration>
    </Credentials>
    <SubjectFromWebIdentityToken>system:serviceaccount:agents:runner</SubjectFromWebIdentityToken>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>0123456789ABCDEF</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>"#,
        keys.access_key,
        keys.secret_key,
        keys.session_token.unwrap_or_default()
    );
    Answer::new(200, "text/xml", text)
}

fn refuse(status: u16, code: &str, message: &str) -> Answer {
    let text = format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>0123456789ABCDEF</RequestId>
</ErrorResponse>"#
    );
    Answer::new(status, "text/xml", text)
}

/// Returns a field of a form.
fn field(form: &[u8], name: &str) -> Option<String> {
    let mut pairs = form.split(|byte| *byte == b'&');
    pairs.find_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let value = percent_decode(&pair[at + 1..]).decode_utf8_lossy();
        (pair[..at] == *name.as_bytes()).then(|| value.into_owned())
    })
}
