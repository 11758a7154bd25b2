//! What went wrong, in words that help and have no secrets in them.

use std::error::Error;

use agent_plan::plan::{Login, NatsPlan};
use async_nats::{ConnectError, ConnectErrorKind};

use crate::nats;

/// Bytes of a problem: it is a line of the log and a field of a status of 4000 bytes.
const LONGEST: usize = 300;

/// Says why there is no connection.
pub(super) fn unconnected(plan: &NatsPlan, error: &ConnectError) -> String {
    let servers = nats::names(plan);
    let said = chain(error);
    let why = match error.kind() {
        ConnectErrorKind::AuthorizationViolation if matches!(plan.login, Login::Nobody) => {
            "the server wants credentials, and there are none".to_owned()
        }
        ConnectErrorKind::AuthorizationViolation => {
            format!("the server refuses {}", login(&plan.login))
        }
        ConnectErrorKind::Authentication => {
            format!("{} cannot be used to sign in", login(&plan.login))
        }
        ConnectErrorKind::TimedOut => format!("no answer within {} s", plan.connect.as_secs()),
        ConnectErrorKind::Dns => format!("the name cannot be resolved: {said}"),
        _ if said.contains("UnknownIssuer") => {
            "the server's certificate is signed by an authority that is not trusted here: \
             `NATS_CA_FILE` names one"
                .to_owned()
        }
        _ => said,
    };
    bounded(&format!("{servers}: {why}"))
}

fn login(login: &Login) -> &'static str {
    match login {
        Login::Nobody => "a client without credentials",
        Login::Creds(_) => "the credentials of `NATS_CREDS`",
        Login::User(..) => "user and password",
        Login::Token(_) => "the token",
        Login::Nkey(_) => "the nkey",
    }
}

/// Returns an error with its causes, each once: some of the library say their cause themselves.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// Returns the subject on which the server says that nothing may be published.
pub(super) fn forbidden(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("Permissions Violation for Publish to \"")?;
    rest.split_once('"').map(|(subject, _)| subject)
}

/// Says that the server forbids to publish on a subject.
pub(super) fn violation(subject: &str) -> String {
    bounded(&format!(
        "the server says: Permissions Violation for Publish to \"{subject}\""
    ))
}

/// Says that a message is longer than what takes it takes, and cannot be cut further.
pub(super) fn too_long(bytes: usize) -> String {
    format!("a message of {bytes} bytes is not taken, and cannot be cut further")
}

/// Returns a text of bounded length on one line: a server may say what it likes.
pub(super) fn bounded(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if line.len() > LONGEST {
        line.truncate(line.floor_char_boundary(LONGEST));
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_subject_that_is_named_is_forbidden() {
        let said = "nats: Permissions Violation for Publish to \"agentrun.general.error\"";
        assert_eq!(forbidden(said), Some("agentrun.general.error"));
        for other in [
            "nats: Permissions Violation for Subscription to \"agentrun.general.error\"",
            "nats: Permissions Violation for Publish to \"cut",
            "nats: maximum payload violation",
        ] {
            assert_eq!(forbidden(other), None, "{other}");
        }
    }

    #[test]
    fn what_a_server_says_is_one_short_line() {
        let text = bounded(&format!("a\r\nb\u{1b}[2J{}", "ä".repeat(400)));
        assert!(text.starts_with("a  b [2Jää"), "{text}");
        assert!(text.len() <= LONGEST + 3 && text.ends_with("..."), "{text}");
    }
}
