//! Values of Secrets: from the command line, the manifests, the environment; never printed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use agent_plan::env::Environment;
use agent_plan::manifest::Manifests;
use agent_plan::resolve::{SecretNeed, SecretPurpose, SecretValues};
use agent_plan::resource::SecretObject;
use agent_plan::secret::{Found, Secret};

mod given;

pub(super) use given::{Given, SecretError};

/// How a variable begins that holds a value of a Secret.
const PREFIX: &str = "SECRET_";

/// The key under which a token is, of a Secret with the private key of a GitHub App: only a
/// controller gets one by that key.
const APP_TOKEN: &str = "token";

/// The Secrets of a run, as a cluster would have them.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(BTreeMap<String, BTreeMap<String, Secret<Vec<u8>>>>);

impl Secrets {
    /// Collects what the command line and the manifests of a namespace have; the former wins.
    ///
    /// # Errors
    ///
    /// Returns [`SecretError`] for a value of the command line that cannot be had.
    pub(super) fn given(
        manifests: &Manifests,
        namespace: &str,
        given: impl IntoIterator<Item = Given>,
        environment: &Environment,
    ) -> Result<Self, SecretError> {
        let mut secrets = Self::default();
        for found in manifests.of::<SecretObject>() {
            if found.manifest.namespace() == namespace {
                for key in found.object.keys() {
                    if let Some(value) = found.object.value(key) {
                        secrets.put(found.manifest.name(), key, value);
                    }
                }
            }
        }
        for given in given {
            let value = given.value(environment)?;
            secrets.put(&given.secret, &given.key, value);
        }
        Ok(secrets)
    }

    /// Adds what variables have for `needs`, where nothing else has: `SECRET_<NAME>_<KEY>`, in
    /// capitals, with `_` for what no variable has in its name.
    #[must_use]
    pub(super) fn with_variables(
        mut self,
        environment: &Environment,
        needs: &[SecretNeed],
    ) -> Self {
        for need in needs {
            self.take_variables(need, needs, environment);
        }
        self
    }

    fn put(&mut self, secret: &str, key: &str, value: Secret<Vec<u8>>) {
        let values = self.0.entry(secret.to_owned()).or_default();
        values.insert(key.to_owned(), value);
    }

    fn put_below(&mut self, secret: &str, key: &str, value: &OsStr) {
        let values = self.0.entry(secret.to_owned()).or_default();
        let entry = values.entry(key.to_owned());
        entry.or_insert_with(|| Secret::new(value.as_bytes().to_vec()));
    }

    fn take_variables(
        &mut self,
        need: &SecretNeed,
        needs: &[SecretNeed],
        environment: &Environment,
    ) {
        let secret = &need.secret;
        if let Some(key) = wanted(need) {
            if let Some(value) = environment.raw(&variable(secret, key)) {
                self.put_below(secret, key, value);
            }
            return;
        }
        let prefix = variable(secret, "");
        // `SECRET_A_B_C` may be of the Secrets `a` and `a-b`: it is of the one that is named in full.
        let is_anothers = |name: &str| {
            let others = needs.iter().filter(|other| other.secret != *secret);
            let mut others = others.map(|other| (other, variable(&other.secret, "")));
            others.any(|(other, longer)| {
                let is_key = wanted(other).is_some_and(|key| name == variable(&other.secret, key));
                let is_whole = wanted(other).is_none() && longer.len() > prefix.len();
                is_key || (is_whole && name.starts_with(&longer))
            })
        };
        for (name, value) in environment.iter() {
            let Some(name) = name.to_str().filter(|name| !is_anothers(name)) else {
                continue;
            };
            let key = name.strip_prefix(&prefix);
            if let Some(key) = key.filter(|key| !key.is_empty()) {
                self.put_below(secret, key, value);
            }
        }
    }

    /// Returns a value.
    pub(super) fn value(&self, secret: &str, key: &str) -> Option<&[u8]> {
        Some(self.0.get(secret)?.get(key)?.expose())
    }

    /// Returns a token of a GitHub App: that in the first Secret that is there for one.
    pub(super) fn app_token(&self, needs: &[SecretNeed]) -> Option<&[u8]> {
        let mut apps = needs
            .iter()
            .filter(|need| need.purpose == SecretPurpose::App);
        apps.find_map(|need| self.value(&need.secret, APP_TOKEN))
    }

    /// Returns all of a Secret, by its keys.
    pub(super) fn all(&self, secret: &str) -> impl Iterator<Item = (&str, &[u8])> {
        let values = self.0.get(secret).into_iter().flatten();
        values.map(|(key, value)| (key.as_str(), value.expose().as_slice()))
    }

    /// Returns what must not be printed, whatever it becomes.
    pub(super) fn found(&self) -> Vec<Found> {
        let all = self.0.iter().flat_map(|(secret, values)| {
            let named = move |(key, value): (&String, &Secret<Vec<u8>>)| {
                agent_plan::secret::in_file(&format!("{secret}/{key}"), value.expose())
            };
            values.iter().flat_map(named)
        });
        all.collect()
    }

    /// Returns those that the pod needs and that are not there, each once.
    pub(super) fn missing<'n>(&self, needs: &'n [SecretNeed]) -> Vec<Missing<'n>> {
        let mut missing: Vec<Missing<'_>> = Vec::new();
        for need in needs.iter().filter(|need| !need.optional) {
            let key = wanted(need);
            let is_there = match key {
                Some(key) => self.value(&need.secret, key).is_some(),
                None => self.0.contains_key(&need.secret),
            };
            let is_said = missing
                .iter()
                .any(|it| it.need.secret == need.secret && it.key == key);
            if !is_there && !is_said {
                missing.push(Missing { need, key });
            }
        }
        missing
    }

    /// Fills in what is missing, for an agent that asks nobody. A whole Secret stays empty.
    pub(super) fn rehearse(&mut self, missing: &[Missing<'_>]) {
        for Missing { need, key } in missing {
            if let Some(key) = key {
                let value = format!("rehearsed-{}-{key}", need.secret);
                self.put(&need.secret, key, Secret::new(value.into_bytes()));
            }
        }
    }
}

/// Values before it is known which of them are needed: what is given, and any variable.
#[derive(Debug)]
pub(super) struct Early<'e> {
    /// What is given.
    pub(super) given: &'e Secrets,
    /// Where the variables are.
    pub(super) environment: &'e Environment,
}

impl SecretValues for Early<'_> {
    fn value(&self, _namespace: &str, secret: &str, key: &str) -> Option<Secret<Vec<u8>>> {
        let variable = || Some(self.environment.raw(&variable(secret, key))?.as_bytes());
        let value = self.given.value(secret, key).or_else(variable)?;
        Some(Secret::new(value.to_vec()))
    }
}

/// What nobody needs of what the command line gives: there is a word wrong in it.
pub(super) fn unneeded<'g>(given: &'g [Given], needs: &[SecretNeed]) -> Vec<&'g Given> {
    let is_needed = |given: &Given, need: &SecretNeed| {
        let key = wanted(need);
        given.secret == need.secret && key.is_none_or(|key| key == given.key)
    };
    let given = given.iter();
    given
        .filter(|given| !needs.iter().any(|need| is_needed(given, need)))
        .collect()
}

/// The key that is needed; none: whatever there is.
fn wanted(need: &SecretNeed) -> Option<&str> {
    match need.purpose {
        SecretPurpose::App => Some(APP_TOKEN),
        _ => need.key.as_deref(),
    }
}

/// The variable for a value.
fn variable(secret: &str, key: &str) -> String {
    let name = format!("{PREFIX}{secret}_{key}").to_ascii_uppercase();
    let fits = |letter: char| letter.is_ascii_alphanumeric();
    name.chars()
        .map(|letter| if fits(letter) { letter } else { '_' })
        .collect()
}

/// What the pod needs and what is not there.
#[derive(Debug)]
pub(super) struct Missing<'n> {
    need: &'n SecretNeed,
    key: Option<&'n str>,
}

impl Missing<'_> {
    /// Says what for.
    pub(super) fn problem(&self) -> String {
        let secret = &self.need.secret;
        let what = match self.key {
            Some(key) => format!("the key `{key}` of the Secret `{secret}`"),
            None => format!("the Secret `{secret}`"),
        };
        let purpose = match &self.need.purpose {
            SecretPurpose::Variable(name) => format!("becomes the variable `{name}`"),
            SecretPurpose::Variables => "becomes variables".to_owned(),
            SecretPurpose::File(path) => format!("becomes the file `{path}`"),
            SecretPurpose::Directory(path) => format!("becomes files in `{path}`"),
            SecretPurpose::App => "is the token that a controller would get as the app".to_owned(),
            _ => "is needed".to_owned(),
        };
        let at = self.need.at.as_ref();
        let at = at.map_or(String::new(), |at| format!("{at}: "));
        format!("{at}{what}, which {purpose}, is not there")
    }

    /// Says whether the run's repository is opened with it.
    pub(super) fn is_for_repository(&self) -> bool {
        self.need.opens_repository
    }

    /// Says what becomes of it where it need not be had.
    pub(super) fn made_up(&self) -> &'static str {
        match self.key {
            Some(_) => "it is made up",
            None => "it is left empty",
        }
    }

    /// Says how to give it.
    pub(super) fn hint(&self) -> String {
        let secret = &self.need.secret;
        let key = self.key.unwrap_or("KEY");
        let variable = match self.key {
            Some(key) => variable(secret, key),
            None => format!("{}<KEY>", variable(secret, "")),
        };
        format!(
            "add the Secret to the manifests, or give `--secret {secret}/{key}=@FILE`, `--secret {secret}/{key}=ENV:VARIABLE` or the variable `{variable}`"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_before_and_after_it_is_known_what_is_needed() {
        let manifests = concat!(
            "{apiVersion: v1, kind: Secret, metadata: {name: p}, stringData: {a: m, b: m}}\n",
            "---\n",
            "{apiVersion: v1, kind: Secret, metadata: {name: p, namespace: x}, stringData: {d: m}}\n",
        );
        let reading = agent_plan::manifest::read(manifests.as_bytes(), "all.yaml");
        let manifests = Manifests::new([reading]).expect("they are Secrets");
        let variables = [
            ("LINE", "g"),
            ("SECRET_P_A", "v"),
            ("SECRET_P_B", "v"),
            ("SECRET_P_C", "v"),
        ];
        let environment =
            Environment::new(variables.map(|(name, value)| (name.into(), value.into())));
        let line = Given::parse("p/a=ENV:LINE").expect("it is a place");
        let given = Secrets::given(&manifests, "default", [line], &environment);
        let given = given.expect("the variable is set");
        let early = Early {
            given: &given,
            environment: &environment,
        };
        let needs: Vec<_> = ["a", "b", "c", "d"]
            .into_iter()
            .map(|key| SecretNeed {
                secret: "p".to_owned(),
                key: Some(key.to_owned()),
                purpose: SecretPurpose::Variables,
                optional: false,
                opens_repository: false,
                at: None,
            })
            .collect();
        let late = given.clone().with_variables(&environment, &needs);
        for (key, value) in [
            ("a", Some(&b"g"[..])),
            ("b", Some(b"m")),
            ("c", Some(b"v")),
            ("d", None),
        ] {
            let before = early.value("default", "p", key);
            assert_eq!(
                before.as_ref().map(|it| it.expose().as_slice()),
                value,
                "{key}"
            );
            assert_eq!(late.value("p", key), value, "{key}");
        }
    }

    #[test]
    fn variables_have_names_that_a_shell_takes() {
        assert_eq!(variable("hub-token", "tls.key"), "SECRET_HUB_TOKEN_TLS_KEY");
    }
}
