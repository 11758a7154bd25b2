//! Temporary keys from where AWS's clients get them.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use agent_tests::{
    ContainerCredentials, DEADLINE, InstanceMetadata, S3Keys, S3Server, TokenService,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::client::{Answer, Client};

const ROLE: &str = "arn:aws:iam::123456789012:role/runner";

/// Asks without a signature.
fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let rest = url.strip_prefix("http://").expect("it is a URL");
    let (address, path) = rest.split_once('/').expect("it has a path");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream
        .set_read_timeout(Some(DEADLINE))
        .expect("a time may be limited");
    let length = body.len();
    let mut text =
        format!("{method} /{path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    stream
        .write_all(format!("{text}\r\n{body}").as_bytes())
        .expect("it reads");
    Answer::read(stream, false).expect("it answers")
}

/// Uses keys on a server.
#[track_caller]
fn are_let_in(server: &S3Server, keys: S3Keys) {
    let answer = Client::of(server, keys.clone()).put("a", "hello").send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let without = S3Keys {
        session_token: None,
        ..keys
    };
    Client::of(server, without)
        .put("a", "hello")
        .send()
        .is(403, "InvalidAccessKeyId");
}

/// Keys in an answer of JSON.
fn keys(answer: &Answer) -> (S3Keys, SystemTime) {
    let json: Value = serde_json::from_slice(&answer.body).expect("it is JSON");
    let text = |name: &str| json[name].as_str().expect("it is text").to_owned();
    let keys = S3Keys {
        access_key: text("AccessKeyId"),
        secret_key: text("SecretAccessKey"),
        session_token: Some(text("Token")),
    };
    let until = humantime::parse_rfc3339(&text("Expiration")).expect("it is a time");
    (keys, until)
}

#[test]
fn a_token_service_gives_keys_for_its_role_and_its_token() {
    let server = S3Server::new();
    let service = TokenService::new(&server, ROLE, "a.b+c").failing(1);
    let assume = |role: &str, token: &str| {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName=agent-runner&WebIdentityToken={}",
            encoded(role),
            encoded(token)
        );
        ask("POST", &format!("{}/", service.url()), &[], &form)
    };
    assert_eq!(assume(ROLE, "a.b+c").status, 500);
    assume(ROLE, "another").is(400, "InvalidIdentityToken");
    assume("arn:aws:iam::123456789012:role/other", "a.b+c").is(403, "AccessDenied");
    assert_eq!((service.asked(), service.given()), (3, 0));
    let answer = assume(ROLE, "a.b+c");
    let keys = S3Keys {
        access_key: answer.element("AccessKeyId"),
        secret_key: answer.element("SecretAccessKey"),
        session_token: Some(answer.element("SessionToken")),
    };
    humantime::parse_rfc3339(&answer.element("Expiration")).expect("it is a time");
    assert_eq!(service.given(), 1);
    are_let_in(&server, keys);
}

#[test]
fn a_container_gets_keys_for_its_token() {
    let server = S3Server::new();
    let credentials =
        ContainerCredentials::new(&server, "token one").lifetime(Duration::from_secs(1));
    let get = |token| ask("GET", &credentials.url(), &[("Authorization", token)], "");
    assert_eq!(get("token two").status, 401);
    assert_eq!(ask("GET", &credentials.url(), &[], "").status, 401);
    let (made, until) = keys(&get("token one"));
    assert!(until <= SystemTime::now() + Duration::from_secs(2));
    are_let_in(&server, made.clone());
    credentials.set_token("token two");
    assert_eq!(get("token one").status, 401);
    assert!(keys(&get("token two")).0 != made);
    assert_eq!((credentials.asked(), credentials.given()), (5, 2));

    let open = ContainerCredentials::open(&server);
    are_let_in(&server, keys(&ask("GET", &open.url(), &[], "")).0);
}

#[test]
fn instance_metadata_gives_keys_to_who_has_its_token() {
    let server = S3Server::new();
    let metadata = InstanceMetadata::new(&server);
    let role_url = format!(
        "{}/latest/meta-data/iam/security-credentials/",
        metadata.url()
    );
    assert_eq!(ask("GET", &role_url, &[], "").status, 401);
    let token_url = format!("{}/latest/api/token", metadata.url());
    let header = ("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    let token = ask("PUT", &token_url, &[header], "").text();
    let get = |url: &str| ask("GET", url, &[("x-aws-ec2-metadata-token", &token)], "");
    let role = get(&role_url).text();
    let (made, until) = keys(&get(&format!("{role_url}{role}")));
    assert!(until > SystemTime::now() + Duration::from_mins(50));
    are_let_in(&server, made);
    assert_eq!(get(&format!("{role_url}other")).status, 404);
}
