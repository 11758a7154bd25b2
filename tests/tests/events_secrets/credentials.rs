//! Credentials of the server itself: withheld from the agent, and redacted where it has them.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use agent_tests::{Nats, NatsServer, Permissions, Run};
use nkeys::KeyPair;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scan::{LOOKED_AT, see, see_end};
use crate::{secretive, with_stream};

/// Not known by its shape, with letters that a URL has to escape.
const PASSWORD: &str = "correct/horse+battery=staple";

/// The same as it stands in a URL.
const ESCAPED: &str = "correct%2Fhorse%2Bbattery%3Dstaple";

/// A short one, of which only the place where it stands says what it is.
const TOKEN: &str = "t0ken-of-us";

/// A way to log in.
struct Login {
    nats: Nats,
    /// A variable that says how, beside the user's name.
    variable: (&'static str, String),
    /// What must not be seen.
    secrets: Vec<String>,
    /// Where the file is, if there is one.
    volume: TempDir,
}

impl Login {
    fn new(name: &str) -> Self {
        let volume = tempfile::tempdir().expect("a temporary directory can be made");
        let (nats, content, secrets) = server(name);
        let path = || {
            let path = volume.path().join("credential");
            fs::write(&path, format!("{content}\n")).expect("the directory is ours");
            path.display().to_string()
        };
        let in_url = |login: &str| nats.url().replace("://", &format!("://{login}@"));
        let variable = match name {
            "password" => ("NATS_PASSWORD", content),
            "password file" => ("NATS_PASSWORD_FILE", path()),
            "password in the URL" => ("NATS_URL", in_url(&format!("agents:{ESCAPED}"))),
            "password in a URL without scheme" => {
                let url = in_url(&format!("agents:{ESCAPED}"));
                ("NATS_URL", url.replace("nats://", ""))
            }
            "token" => ("NATS_TOKEN", content),
            "token file" => ("NATS_TOKEN_FILE", path()),
            "token in the URL" => ("NATS_URL", in_url(TOKEN)),
            "nkey" => ("NATS_NKEY_SEED", content),
            "nkey file" => ("NATS_NKEY_SEED_FILE", path()),
            "nkey path" => ("NATS_NKEY", path()),
            "creds" => ("NATS_CREDS", content),
            "creds file" => ("NATS_CREDS_FILE", path()),
            "creds path" => ("NATS_CREDS", path()),
            _ => panic!("no such login: {name}"),
        };
        Self {
            nats,
            variable,
            secrets,
            volume,
        }
    }

    /// The variables that log in.
    fn variables(&self) -> Vec<(&'static str, &str)> {
        let (name, value) = (self.variable.0, self.variable.1.as_str());
        let of_user = name
            .starts_with("NATS_PASSWORD")
            .then_some(("NATS_USER", "agents"));
        of_user.into_iter().chain([(name, value)]).collect()
    }

    /// Prints and hands over all that the agent has of it.
    fn printing(&self) -> String {
        let name = self.variable.0;
        let path = self.volume.path().join("credential");
        let path = path.display();
        format!(
            r#"
printf '<%s>\n' "${name}"; printf '<%s>\n' "${name}" >&2
if [ -e {path} ]; then cat {path}; cat {path} >&2; fi
{{ printf '<%s>\n' "${name}"; cat {path}; }} >> "$AGENT_RUNNER_CONTEXT_FILE" 2>/dev/null
echo printed{LOOKED_AT}"#
        )
    }
}

/// A server that lets nobody else in, with what it wants to be told and what of that is secret.
fn server(name: &str) -> (Nats, String, Vec<String>) {
    let agents = Permissions::agents;
    match name.split(' ').next() {
        Some("password") => {
            let nats = with_stream(NatsServer::new().user("agents", PASSWORD, agents()));
            (
                nats,
                PASSWORD.to_owned(),
                vec![PASSWORD.to_owned(), ESCAPED.to_owned()],
            )
        }
        Some("token") => {
            let nats = with_stream(NatsServer::new().token(TOKEN));
            (nats, TOKEN.to_owned(), vec![TOKEN.to_owned()])
        }
        Some("nkey") => {
            let key = KeyPair::new_user();
            let seed = key.seed().expect("a new key has a seed");
            let nats = NatsServer::new().nkey(&key.public_key(), agents());
            (with_stream(nats), seed.clone(), vec![seed])
        }
        _ => {
            let nats = with_stream(NatsServer::new().creds(&agents()));
            let content = fs::read_to_string(nats.creds_file()).expect("the test has made it");
            let is_secret = |line: &&str| line.starts_with("SU") || line.starts_with("eyJ");
            let secrets: Vec<_> = content
                .lines()
                .filter(is_secret)
                .map(str::to_owned)
                .collect();
            assert_eq!(secrets.len(), 2, "a token and a seed");
            (nats, content, secrets)
        }
    }
}

/// All ways to log in.
const ALL: [&str; 13] = [
    "password",
    "password file",
    "password in the URL",
    "password in a URL without scheme",
    "token",
    "token file",
    "token in the URL",
    "nkey",
    "nkey file",
    "nkey path",
    "creds",
    "creds file",
    "creds path",
];

/// Does it for every login, and says of all which failed.
#[track_caller]
fn each(names: &[&str], test: impl Fn(&str, &Login)) {
    let passes = |name: &&&str| {
        let attempt = AssertUnwindSafe(|| test(name, &Login::new(name)));
        catch_unwind(attempt).is_err()
    };
    let failed: Vec<_> = names.iter().filter(passes).collect();
    assert!(failed.is_empty(), "what is wrong is above: {failed:?}");
}

#[track_caller]
fn assert_unseen(name: &str, login: &Login, run: Run) {
    let run = run.shell(&login.printing());
    let seen = see(&login.nats, run, &["/mounted", "/spec.json"]);
    assert_eq!(seen.ended.code, 0, "{name}: {}", seen.ended.stderr);
    assert!(
        seen.contents("log").contains(&"printed"),
        "{name}: {}",
        seen.ended.stderr
    );
    let events = &seen.ended.full["events"];
    assert_eq!(events["mode"], "jetstream", "{name}: {events}");
    for secret in &login.secrets {
        seen.assert_nowhere(secret);
    }
}

#[test]
fn no_credential_of_the_servers_is_in_the_agents_environment() {
    each(&ALL, |name, login| {
        let run = (login.variables().iter()).fold(secretive(&login.nats), |run, (name, value)| {
            run.env(name, *value)
        });
        let run = run.shell("env > seen; cat /proc/$$/environ >> seen");
        let seen_by_agent = run.path("seen");
        let seen = see_end(&login.nats, run, &["/mounted"]);
        assert_eq!(seen.ended.code, 0, "{name}: {}", seen.ended.stderr);
        for secret in &login.secrets {
            seen.assert_nowhere(secret);
        }
        let there = fs::read_to_string(seen_by_agent).expect("the agent has looked");
        assert!(
            there.contains("SOME_API_KEY"),
            "{name}: it has an environment"
        );
        let path = login.volume.path().display().to_string();
        assert!(!there.contains(&path), "{name}: where it is");
    });
}

#[test]
fn a_credential_that_the_agent_was_given_is_seen_by_nobody_else() {
    each(&ALL, |name, login| {
        let run = (login.variables().iter()).fold(secretive(&login.nats), |run, (name, value)| {
            run.env(name, *value)
        });
        let run = run.setting("env/pass", json!(["NATS_*"]));
        assert_unseen(name, login, run);
    });
}

#[test]
fn a_credential_that_the_provider_sets_is_seen_by_nobody_else() {
    each(&ALL, |name, login| {
        let variables = login.variables().into_iter();
        let template: Value = variables
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        let run = secretive(&login.nats).spec("/adapter/exec/envTemplate", template);
        assert_unseen(name, login, run);
    });
}
