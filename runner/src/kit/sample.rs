//! A run that somebody could have asked for, as manifests.

use serde_json::{Map, Value, json};

const API_VERSION: &str = "agents.proompteng.ai/v1alpha1";

/// The most characters of a task; an argument can have as many bytes.
const MOST: usize = 128 * 1024;

/// What every sample is asked, unless a scenario has other words.
pub(super) const PROMPT: &str =
    "Repair the login: it redirects for ever. Keep PORT-42 in the title.";

/// The system prompt of the sample's agent; the controller demands one.
pub(super) const SYSTEM_PROMPT: &str = "You are a careful engineer.";

/// A run.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) prompt: String,
    /// Whether that is the value of a parameter: words of a stranger, not of the run's author.
    pub(super) is_stranger: bool,
    pub(super) parameters: Vec<(String, String)>,
    /// Whether it is about an issue.
    pub(super) issue: bool,
    /// Whether it is about a repository.
    pub(super) repository: bool,
}

impl Default for Sample {
    fn default() -> Self {
        let parameters = [("stage", "implementation"), ("ticket", "PORT-42")];
        Self {
            prompt: PROMPT.to_owned(),
            is_stranger: false,
            parameters: parameters
                .map(|(key, value)| (key.into(), value.into()))
                .into(),
            issue: true,
            repository: false,
        }
    }
}

impl Sample {
    pub(super) fn asking(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            ..Self::default()
        }
    }

    /// With everything left out that a run can do without.
    pub(super) fn bare() -> Self {
        Self {
            parameters: Vec::new(),
            issue: false,
            ..Self::default()
        }
    }

    /// What would be applied besides the provider, as a list in JSON.
    pub(super) fn manifests(&self, provider: &str, namespace: Option<&Value>) -> Vec<u8> {
        let resource = |kind: &str, name: &str, spec: Value| {
            let mut metadata = json!({"name": name});
            if let Some(namespace) = namespace {
                metadata["namespace"] = namespace.clone();
            }
            json!({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})
        };
        let agent = json!({
            "providerRef": {"name": provider},
            "defaults": {"systemPrompt": SYSTEM_PROMPT},
        });
        let mut all = vec![
            resource("Agent", "sample-agent", agent),
            resource("AgentRun", "sample-run", self.run()),
        ];
        if self.repository {
            all.push(resource("VersionControlProvider", "sample", repository()));
        }
        Value::from(all).to_string().into_bytes()
    }

    /// `spec` of the run.
    fn run(&self) -> Value {
        let text = if self.is_stranger {
            "{{parameters.words}}"
        } else {
            &self.prompt
        };
        let mut task = json!({"summary": "Repair the login", "text": text});
        if self.issue {
            task["source"] = json!({
                "provider": "github",
                "externalId": "acme/portal#42",
                "url": "https://github.com/acme/portal/issues/42",
            });
        }
        let parameters = self.parameters.iter();
        let mut parameters: Map<_, _> = parameters
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect();
        if self.is_stranger {
            parameters.insert("words".to_owned(), self.prompt.as_str().into());
        }
        let mut run = json!({
            "agentRef": {"name": "sample-agent"},
            "runtime": {"type": "job"},
            "implementation": {"inline": task},
            "workload": {"image": "sample.invalid/agent-runner:1"},
        });
        if self.repository {
            for (key, value) in [
                ("repository", "acme/portal"),
                ("base", "main"),
                ("head", "agent/login"),
            ] {
                parameters.entry(key).or_insert_with(|| value.into());
            }
            run["vcsRef"] = json!({"name": "sample"});
            run["vcsPolicy"] = json!({"mode": "read-write", "required": true});
            run["secrets"] = json!(["sample-git"]);
        }
        run["parameters"] = parameters.into();
        run
    }
}

/// `spec` of the server whose repository a run is about.
fn repository() -> Value {
    json!({
        "provider": "generic",
        "cloneBaseUrl": "https://git.invalid",
        "auth": {
            "method": "token",
            "token": {"secretRef": {"name": "sample-git", "key": "token"}},
        },
    })
}

/// The longest words that a cluster takes: 16 characters a line, each line with its number.
pub(super) fn long_words() -> String {
    let mut text = String::new();
    for line in 0..MOST / 16 {
        text.push_str(&format!("line {line:08} …\n"));
    }
    text.trim_end().to_owned()
}
