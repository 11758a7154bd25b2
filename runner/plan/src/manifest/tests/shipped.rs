//! The providers that we ship, and what the chart's own pages show.

use serde_json::{Value, json};

use super::{one, taken};
use crate::resource::{AuthMethod, Kind, Resource};

macro_rules! provider {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../providers/",
            $name,
            ".yaml"
        ))
    };
}

#[test]
fn the_providers_that_we_ship_are_taken_without_a_word() {
    for text in [
        provider!("claude"),
        provider!("codex"),
        provider!("codex-exec"),
        provider!("shell"),
    ] {
        let manifest = one(text);
        assert_eq!(manifest.kind(), Kind::AgentProvider);
        let back = serde_json::to_value(manifest.resource()).expect("it is JSON");
        assert_eq!(Some(back["spec"].clone()), manifest.written("spec"));
    }
}

#[test]
fn an_app_may_have_its_number_as_a_number_or_a_text() {
    for (written, read) in [("\"12345\"", json!("12345")), ("12345", json!(12345))] {
        let text = format!(
            "
apiVersion: agents.proompteng.ai/v1alpha1
kind: VersionControlProvider
metadata:
  name: github-app
spec:
  provider: github
  apiBaseUrl: https://api.github.com
  auth:
    method: app
    app:
      appId: {written}
      installationId: \"7890\"
      privateKeySecretRef:
        name: github-app-key
        key: privateKey
      tokenTtlSeconds: 3600
  repositoryPolicy:
    allow: [\"acme/*\"]
    deny: []
  capabilities: {{read: true, write: false, pullRequests: false}}
  defaults:
    branchTemplate: codex/{{{{issueNumber}}}}
    branchConflictSuffixTemplate: '{{{{agentRun.name}}}}'
"
        );
        let manifest = one(&text);
        let Resource::VersionControl(provider) = manifest.resource() else {
            panic!("it is one");
        };
        let auth = provider.spec.auth.as_ref().expect("it has it");
        assert_eq!(auth.method, Some(AuthMethod::App));
        let app = auth.app.as_ref().expect("it has it");
        assert_eq!(app.app_id, Some(read));
        assert_eq!(app.token_ttl_seconds, Some(3600));
        let defaults = provider.spec.defaults.as_ref().expect("it has them");
        assert_eq!(
            defaults.branch_template.as_deref(),
            Some("codex/{{issueNumber}}")
        );
    }
}

#[test]
fn what_the_charts_design_shows_is_taken() {
    let all = taken(
        "
apiVersion: agents.proompteng.ai/v1alpha1
kind: Agent
metadata:
  name: codex-agent
spec:
  providerRef:
    name: codex-runner
  runtime:
    type: custom
  memoryRef:
    name: default-memory
  resources:
    cpu: 1
    memory: 2Gi
---
apiVersion: agents.proompteng.ai/v1alpha1
kind: ImplementationSpec
metadata:
  name: impl-1234
spec:
  source:
    provider: github
    externalId: acme/widgets#1234
    url: https://github.com/acme/widgets/issues/1234
  text: \"Implement it.\"
  acceptanceCriteria:
    - \"It installs\"
---
apiVersion: agents.proompteng.ai/v1alpha1
kind: AgentRun
metadata:
  name: codex-run-1
spec:
  agentRef:
    name: codex-agent
  implementationRef:
    name: impl-1234
  execution:
    coordinates:
      git:
        url: https://github.com/acme/widgets.git
        ref: main
        path: .
  workload:
    image: registry.example.com/codex-agent:latest
",
    );
    let kinds: Vec<_> = all.iter().map(super::Manifest::kind).collect();
    assert_eq!(
        kinds,
        [Kind::Agent, Kind::ImplementationSpec, Kind::AgentRun]
    );
    let back: Vec<Value> = all
        .iter()
        .map(|it| serde_json::to_value(it.resource()).expect("it is JSON"))
        .collect();
    assert_eq!(
        back[2]["spec"]["execution"]["coordinates"]["git"]["ref"],
        "main"
    );
    assert_eq!(Some(back[1]["spec"].clone()), all[1].written("spec"));
}
