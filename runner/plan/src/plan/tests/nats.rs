//! Which NATS server events go to, and as whom (contract §8.3).

use super::*;
use crate::plan::{Given, Login, NatsPlan, NatsServer};

fn nats(asked: &Asked) -> NatsPlan {
    let plan = asked.plan().expect("a plan");
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    plan.events.nats.expect("a server is named")
}

fn asked(entries: &[(&str, &str)]) -> Asked {
    let asked = Asked::exec().env("NATS_URL", "nats://nats:4222");
    let with = |asked: Asked, (name, value): &(&str, &str)| asked.env(name, value);
    entries.iter().fold(asked, with)
}

/// A login in words, its secrets open.
fn login(plan: &NatsPlan) -> String {
    let told = |given: &Given| match given {
        Given::Text(text) => text.expose().clone(),
        Given::File(path) => path.display().to_string(),
    };
    match &plan.login {
        Login::Nobody => "nobody".to_owned(),
        Login::Creds(given) => format!("creds {}", told(given)),
        Login::User(user, password) => format!("user {} {}", told(user), told(password)),
        Login::Token(given) => format!("token {}", told(given)),
        Login::Nkey(given) => format!("nkey {}", told(given)),
    }
}

#[test]
fn without_a_url_there_is_no_server() {
    let plan = Asked::exec().plan().expect("a plan");
    assert!(plan.events.nats.is_none());
    let blank = Asked::exec().env("NATS_URL", " , ").plan().expect("a plan");
    assert!(blank.events.nats.is_none());
}

#[test]
fn a_url_is_a_list_of_servers_in_every_usual_form() {
    let server = |host: &str, port, tls| NatsServer {
        host: host.to_owned(),
        port,
        tls,
    };
    for (url, servers) in [
        ("nats", vec![server("nats", 4222, false)]),
        (
            "nats://a:1, tls://b",
            vec![server("a", 1, false), server("b", 4222, true)],
        ),
        ("nats://[::1]:5/", vec![server("::1", 5, false)]),
        ("nats://[::1]", vec![server("::1", 4222, false)]),
        ("nats://user:p%40ss@h:7", vec![server("h", 7, false)]),
    ] {
        let plan = nats(&Asked::exec().env("NATS_URL", url));
        assert_eq!(plan.servers, servers, "{url}");
    }
}

#[test]
fn a_url_that_is_none_is_a_warning_without_its_password() {
    for url in [
        "http://user:hunter22@nats",
        "nats://user:hunter22@nats:port",
        "nats://user:hunter22@",
        "nats://[::1",
        "nats://a b",
    ] {
        let plan = Asked::exec().env("NATS_URL", url).plan().expect("a plan");
        assert!(plan.events.nats.is_none(), "{url}");
        let warnings = plan.warnings.join("\n");
        assert!(
            warnings.contains("no events are published: `NATS_URL` names"),
            "{warnings}"
        );
        assert!(!warnings.contains("hunter22"), "{warnings}");
    }
}

#[test]
fn credentials_win_over_the_user_and_the_user_over_nkey_token_and_url() {
    let creds = ("NATS_CREDS", "-----BEGIN NATS USER JWT-----");
    let user = [("NATS_USER", "agents"), ("NATS_PASSWORD", "hunter22")];
    for (entries, wanted) in [
        (vec![], "nobody"),
        (
            vec![("NATS_CREDS_FILE", "/a.creds"), creds],
            "creds /a.creds",
        ),
        (
            vec![creds, user[0], user[1]],
            "creds -----BEGIN NATS USER JWT-----",
        ),
        (vec![("NATS_CREDS", "b.creds")], "creds /workspace/b.creds"),
        (
            vec![user[0], user[1], ("NATS_TOKEN", "t")],
            "user agents hunter22",
        ),
        (
            vec![("NATS_USERNAME", "agents"), ("NATS_PASSWORD_FILE", "/p")],
            "user agents /p",
        ),
        (
            vec![("NATS_NKEY_SEED", "SUAB"), ("NATS_TOKEN", "t")],
            "nkey SUAB",
        ),
        (vec![("NATS_NKEY", "/seed")], "nkey /seed"),
        (vec![("NATS_NKEY", "SUAB")], "nkey SUAB"),
        (
            vec![("NATS_TOKEN_FILE", "/t"), ("NATS_TOKEN", "t")],
            "token /t",
        ),
        (vec![("NATS_URL", "nats://u:p%40ss@h")], "user u p@ss"),
        (vec![("NATS_URL", "nats://t0ken@h")], "token t0ken"),
        (
            vec![("NATS_URL", "nats://t0ken@h"), ("NATS_TOKEN", "t")],
            "token t",
        ),
    ] {
        assert_eq!(login(&nats(&asked(&entries))), wanted, "{entries:?}");
    }
}

#[test]
fn half_a_login_or_certificate_is_said() {
    for (entry, wanted) in [
        (
            ("NATS_USER", "agents"),
            "`NATS_USER` is set and `NATS_PASSWORD` is not",
        ),
        (
            ("NATS_PASSWORD", "hunter22"),
            "`NATS_PASSWORD` is set and `NATS_USER` is not",
        ),
        (
            ("NATS_CERT_FILE", "/c"),
            "`NATS_CERT` is set and `NATS_KEY` is not",
        ),
        (
            ("NATS_KEY_FILE", "/k"),
            "`NATS_KEY` is set and `NATS_CERT` is not",
        ),
    ] {
        let plan = asked(&[entry]).plan().expect("a plan");
        assert!(
            plan.warnings.join("\n").contains(wanted),
            "{:?}",
            plan.warnings
        );
        let required = asked(&[entry]).setting("events/required", json!(true));
        assert!(
            matches!(required.plan(), Err(PlanError::Nats(_))),
            "{entry:?}"
        );
    }
}

#[test]
fn the_providers_template_wins_over_the_environment() {
    let asked = Asked::exec()
        .spec("/inputs", json!({ "host": "of-the-provider" }))
        .env_template("NATS_URL", "nats://{{inputs.host}}")
        .env("NATS_URL", "nats://of-the-pod");
    assert_eq!(nats(&asked).servers[0].host, "of-the-provider");
}

#[test]
fn the_agent_gets_the_address_and_no_credentials() {
    let plan = asked(&[
        ("NATS_USER", "agents"),
        ("NATS_PASSWORD", "hunter22"),
        ("NATS_KEY_FILE", "/k"),
        ("NATS_CERT_FILE", "/c"),
    ])
    .plan()
    .expect("a plan");
    let names: Vec<_> = plan
        .process
        .env
        .iter()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["NATS_URL"]);
}

#[test]
fn no_login_shows_when_it_is_printed() {
    let plan = nats(&asked(&[
        ("NATS_USER", "agents"),
        ("NATS_PASSWORD", "hunter22"),
    ]));
    assert!(!format!("{plan:?}").contains("hunter22"));
}

#[test]
fn what_is_wrong_with_a_url_is_said_of_what_was_written() {
    for (url, named, problem) in [
        (
            "http://user:hunter22@nats",
            "http://nats",
            "the scheme is neither `nats` nor `tls`",
        ),
        (
            "nats://h:99999",
            "nats://h:99999",
            "what follows the colon is no port",
        ),
        (
            "tls://h:0",
            "tls://h:0",
            "what follows the colon is no port",
        ),
        (
            "nats://user:hunter22",
            "nats://user",
            "what follows the colon is no port",
        ),
        ("h:x", "h", "what follows the colon is no port"),
        ("nats://user:hunter22@", "nats://", "there is no host"),
        ("user:hunter22@", "nats://", "there is no host"),
        ("nats://:4222", "nats://:4222", "there is no host"),
        ("nats://[::1", "nats://[::1", "a bracket is missing"),
        (
            "nats://[::1]4222",
            "nats://[::1]4222",
            "there is no colon behind the bracket",
        ),
        ("a b", "a b", "a host has no white space and no `/`"),
        (
            "user:hunter22://@h:x",
            "h:x",
            "the scheme is neither `nats` nor `tls`",
        ),
    ] {
        let plan = Asked::exec().env("NATS_URL", url).plan().expect("a plan");
        let wanted = format!("`NATS_URL` names `{named}`, which is no URL of a server: {problem}");
        let warnings = plan.warnings.join("\n");
        assert!(warnings.contains(&wanted), "{url}: {warnings}");
        assert!(!warnings.contains("hunter22"), "{warnings}");
    }
}
