//! A run that somebody could have asked for, as the controller tells it (contract §1.5).

use serde_json::{Map, Value, json};

/// What every sample is asked, unless a scenario has other words.
pub(super) const PROMPT: &str =
    "Repair the login: it redirects for ever. Keep PORT-42 in the title.";

/// The system prompt of the sample's agent; the controller demands one.
pub(super) const SYSTEM_PROMPT: &str = "You are a careful engineer.";

/// A run.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) prompt: String,
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

    pub(super) fn parameters(&self) -> Value {
        let entries = self.parameters.iter();
        let mut map: Map<_, _> = entries
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect();
        if self.repository {
            for (key, value) in [("base", "main"), ("head", "agent/login")] {
                map.entry(key).or_insert_with(|| value.into());
            }
        }
        Value::Object(map)
    }

    /// `run.json`.
    pub(super) fn payload(&self, provider: &str, artifacts: Value) -> Value {
        let mut run = json!({
            "provider": provider,
            "agentRun": {
                "name": "sample-run", "uid": "0f7c1c1e-6a55-4c1f-8d0e-2b0a5f4a9d11",
                "namespace": "agents",
            },
            "implementation": {"summary": "Repair the login", "text": self.prompt},
            "parameters": self.parameters(),
            "memory": null,
        });
        run["artifacts"] = artifacts;
        if self.repository {
            run["vcs"] = vcs();
            run["base"] = "main".into();
            run["head"] = "agent/login".into();
        }
        run["systemPrompt"] = SYSTEM_PROMPT.into();
        run["prompt"] = self.prompt.clone().into();
        let mut metadata = self.parameters();
        metadata["prompt"] = self.prompt.clone().into();
        if self.issue {
            let url = "https://github.com/acme/portal/issues/42";
            run["implementation"]["source"] =
                json!({"provider": "github", "externalId": "acme/portal#42", "url": url});
            for (key, value) in [
                ("repository", "acme/portal"),
                ("issueNumber", "42"),
                ("issueTitle", "Login redirects for ever"),
                ("issueBody", self.prompt.as_str()),
                ("issueUrl", url),
            ] {
                run[key] = value.into();
                metadata[key] = value.into();
            }
        }
        if let Some(stage) = self.parameters().get("stage") {
            run["stage"] = stage.clone();
        }
        run["metadata"] = json!({"map": metadata});
        run
    }
}

/// The `vcs` of a run that is about a repository.
pub(super) fn vcs() -> Value {
    json!({
        "provider": "generic", "providerName": "sample", "repository": "acme/portal",
        "baseBranch": "main", "headBranch": "agent/login", "mode": "read-write",
        "writeEnabled": true, "pullRequestsEnabled": false,
        "apiBaseUrl": null, "cloneBaseUrl": "https://git.invalid", "webBaseUrl": null,
        "cloneProtocol": null, "sshHost": null, "sshUser": null, "defaults": null,
    })
}

/// Words of some length: 16 bytes a line, each line with its number.
pub(super) fn long_words(bytes: usize) -> String {
    let mut text = String::new();
    for line in 0..bytes / 16 {
        text.push_str(&format!("line {line:08} .\n"));
    }
    text.trim_end().to_owned()
}
