//! The pod: volumes, credentials, tokens, variables, scheduling.

use serde_json::{Value, json};

use super::super::{AuthSecret, SecretPurpose};
use super::{World, container, env, pod, warnings};

fn names(list: &Value, key: &str) -> Vec<String> {
    let list = list.as_array().expect("it is a list");
    list.iter()
        .map(|it| it[key].as_str().expect("it is text").to_owned())
        .collect()
}

fn auth(mount_path: &str) -> impl FnOnce(&mut super::Controller) {
    let auth = AuthSecret {
        name: "codex".to_owned(),
        key: "auth.json".to_owned(),
        mount_path: mount_path.to_owned(),
    };
    |told| told.auth_secret = Some(auth)
}

#[test]
fn own_volumes_come_first() {
    let made = World::new()
        .with("AgentRun", "spec.workload.volumes", json!([
            { "name": "work", "type": "emptyDir", "mountPath": "/workspace", "sizeLimit": "1Gi", "medium": "Memory" },
            { "name": "data", "type": "pvc", "mountPath": "/data", "claimName": "claim", "readOnly": true },
            { "name": "keys", "type": "secret", "mountPath": "/keys", "secretName": "keys" },
            { "name": " ", "type": "emptyDir", "mountPath": "/x" },
        ]))
        .with("AgentProvider", "spec.inputFiles", json!([
            { "path": "/a", "content": " raw {{ x }}\n" }, { "path": "/b", "content": " " },
        ]))
        .made();
    assert_eq!(
        pod(&made)["volumes"],
        json!([
            { "name": "work", "emptyDir": { "medium": "Memory", "sizeLimit": "1Gi" } },
            { "name": "data", "persistentVolumeClaim": { "claimName": "claim", "readOnly": true } },
            { "name": "keys", "secret": { "secretName": "keys" } },
            { "name": "fix-login-inputs-vol", "configMap": { "name": "fix-login-inputs" } },
            { "name": "fix-login-spec-vol", "configMap": { "name": "fix-login-spec" } },
        ])
    );
    let mounts = &container(&made)["volumeMounts"];
    assert_eq!(
        mounts[0],
        json!({ "name": "work", "mountPath": "/workspace", "readOnly": false })
    );
    assert_eq!(
        names(mounts, "mountPath"),
        [
            "/workspace",
            "/data",
            "/keys",
            "/a",
            "/workspace/run.json",
            "/workspace/agent-runner.json"
        ]
    );
    assert_eq!(
        made.config_maps[1]["data"],
        json!({ "input-0": "raw {{ x }}" })
    );
    assert_eq!(
        made.secrets[0].purpose,
        SecretPurpose::Directory("/keys".to_owned())
    );
    assert_eq!(
        warnings(&made),
        [
            "its path or content is blank, and it is left out",
            "it has no name or no path, and is left out"
        ]
    );
}

#[test]
fn the_credentials_of_codex_are_a_file_in_a_directory_of_their_own() {
    let made = World::new().told(auth("/home/agent/.codex/")).made();
    assert_eq!(env(&made, "CODEX_HOME"), "/home/agent/.codex/");
    assert_eq!(env(&made, "CODEX_AUTH"), "/home/agent/.codex/auth.json");
    assert_eq!(
        names(&pod(&made)["volumes"], "name"),
        [
            "fix-login-spec-vol",
            "fix-login-auth-home",
            "fix-login-auth-secret"
        ]
    );
    let mounts = &container(&made)["volumeMounts"];
    assert_eq!(
        mounts[3],
        json!({
            "name": "fix-login-auth-secret", "mountPath": "/home/agent/.codex/auth.json",
            "subPath": "auth.json", "readOnly": true,
        })
    );
    assert_eq!(made.secrets[0].key.as_deref(), Some("auth.json"));
    let own = json!([{ "name": "home", "type": "emptyDir", "mountPath": "/root/.codex" }]);
    let made = World::new()
        .with("AgentRun", "spec.workload.volumes", own)
        .told(auth("/root/.codex"))
        .made();
    assert_eq!(
        names(&pod(&made)["volumes"], "name"),
        ["home", "fix-login-spec-vol", "fix-login-auth-secret"]
    );
}

#[test]
fn a_token_of_the_service_account_is_the_only_one() {
    let token =
        json!({ "audience": "mcp", "expirationSeconds": 900, "mountPath": "/var/run/mcp/" });
    let made = World::new()
        .with("AgentProvider", "spec.workload.serviceAccountToken", token)
        .made();
    assert_eq!(pod(&made)["automountServiceAccountToken"], false);
    assert_eq!(
        env(&made, "AGENTS_MCP_IDENTITY_TOKEN_PATH"),
        "/var/run/mcp/token"
    );
    assert_eq!(
        pod(&made)["volumes"][1],
        json!({ "name": "shell-mcp-identity", "projected": { "defaultMode": 420, "sources": [{
            "serviceAccountToken": { "audience": "mcp", "expirationSeconds": 900, "path": "token" },
        }] } })
    );
    assert_eq!(
        container(&made)["volumeMounts"][2]["mountPath"],
        "/var/run/mcp"
    );
    assert_eq!(
        pod(&World::new().made()).get("automountServiceAccountToken"),
        None
    );
}

#[test]
fn variables_are_in_the_controllers_order() {
    let token = json!({ "audience": "mcp", "expirationSeconds": 900, "mountPath": "/t" });
    let made = World::of_repository()
        .with("AgentProvider", "spec.workload.serviceAccountToken", token)
        .with(
            "AgentProvider",
            "spec.envTemplate",
            json!({ "B": "{{ inputs.repository }}", "A": " x " }),
        )
        .with(
            "AgentProvider",
            "spec.secretEnv",
            json!([{ "name": "KEY", "secretName": "s", "key": "k" }]),
        )
        .told(auth("/root/.codex"))
        .made();
    let names = names(&container(&made)["env"], "name");
    let order = [
        "AGENT_RUN_SPEC",
        "AGENT_RUNNER_SPEC_PATH",
        "CODEX_HOME",
        "CODEX_AUTH",
        "B",
        "A",
        "KEY",
        "AGENT_PROVIDER",
        "VCS_TOKEN",
        "VCS_PROVIDER",
        "VCS_MODE",
        "AGENTS_MCP_IDENTITY_TOKEN_PATH",
        "CODEX_SYSTEM_PROMPT_EXPECTED_HASH",
        "CODEX_SYSTEM_PROMPT_REQUIRED",
    ];
    let places: Vec<_> = order
        .iter()
        .map(|name| names.iter().position(|it| it == name))
        .collect();
    assert!(places.iter().all(Option::is_some), "{names:?}");
    assert!(places.is_sorted(), "{names:?}");
    assert_eq!(
        (env(&made, "B"), env(&made, "A")),
        (&json!("acme/portal"), &json!(" x "))
    );
}

#[test]
fn where_it_may_run_is_what_the_run_says_else_the_controller() {
    let told = |world: World| {
        world.told(|told| {
            told.scheduling.scheduler = Some("s".into());
            told.scheduling.priority_class = Some("p".into());
            told.scheduling.tolerations = Some(vec![json!({ "key": "t" })]);
            told.scheduling.image_pull_secrets =
                Some(vec![json!("a"), json!({ "name": "b" }), json!(1)]);
            told.scheduling.security_context = serde_json::from_str("{\"runAsUser\":1}").ok();
        })
    };
    let of_controller = json!({
        "tolerations": [{ "key": "t" }], "securityContext": { "runAsUser": 1 },
        "imagePullSecrets": [{ "name": "a" }, { "name": "b" }],
        "priorityClassName": "p", "schedulerName": "s",
    });
    let of_run = json!({
        "nodeSelector": { "disk": "ssd" }, "affinity": { "a": {} },
        "topologySpreadConstraints": [{ "maxSkew": 1 }],
        "securityContext": { "runAsUser": 2 },
        "imagePullSecrets": [{ "name": "a" }, { "name": "b" }], "schedulerName": "other",
        "priorityClassName": "p",
    });
    let config = json!({
        "nodeSelector": { "disk": "ssd" }, "affinity": { "a": {} }, "tolerations": [],
        "topologySpreadConstraints": [{ "maxSkew": 1 }], "podSecurityContext": { "runAsUser": 2 },
        "schedulerName": " other ", "priorityClassName": "",
    });
    let own = World::new().with("AgentRun", "spec.runtime.config", config);
    for (world, expected) in [(told(World::new()), of_controller), (told(own), of_run)] {
        let made = world.made();
        let mut pod = pod(&made).as_object().expect("it is an object").clone();
        pod.retain(|key, _| {
            ![
                "serviceAccountName",
                "restartPolicy",
                "containers",
                "volumes",
            ]
            .contains(&key.as_str())
        });
        assert_eq!(Value::Object(pod), expected);
    }
}

#[test]
fn what_is_started_is_the_providers_binary_with_rendered_arguments() {
    let made = World::new()
        .with("AgentProvider", "spec.binary", " /bin/sh ")
        .with(
            "AgentProvider",
            "spec.argsTemplate",
            json!([
                "{{ agentRun.name }}/{{agentRun.namespace}}",
                " {{agent.name}} {{agent.config.level}} ",
                "{{agent.env}}",
                "{{vcs}}{{memory}}",
                "{{#if inputs}}x{{/if}}",
            ]),
        )
        .with("Agent", "spec.config", json!({ "level": 3 }))
        .with("Agent", "spec.env", json!([{ "name": "A", "value": "b" }]))
        .made();
    assert_eq!(container(&made)["command"], json!(["/bin/sh"]));
    assert_eq!(
        container(&made)["args"],
        json!([
            "fix-login/default",
            " worker 3 ",
            "[{\"name\":\"A\",\"value\":\"b\"}]",
            "{}{}",
            "x"
        ])
    );
    assert_eq!(
        container(&World::new().made())["command"],
        json!(["/usr/local/bin/agent-runner"])
    );
}

#[test]
fn artifacts_are_rendered_for_the_run_and_not_for_the_runner() {
    let artifacts = json!([
        { "name": " log ", "path": " /a/{{ inputs.x }} ", "key": "{{ run.x }}", "url": " " },
        { "name": " ", "path": "/b" }, { "path": "/c", "name": "c", "key": null },
    ]);
    let made = World::new()
        .with("AgentProvider", "spec.outputArtifacts", artifacts)
        .with("AgentRun", "spec.parameters.x", "y")
        .made();
    assert_eq!(
        made.run["artifacts"],
        json!([{ "name": "log", "path": "/a/y", "key": "" }, { "name": "c", "path": "/c" }])
    );
    assert_eq!(
        made.spec["providerSpec"]["outputArtifacts"],
        json!([
            { "name": " log ", "path": " /a/{{ inputs.x }} ", "key": "{{ run.x }}", "url": " " },
            { "name": " ", "path": "/b" }, { "path": "/c", "name": "c" },
        ])
    );
    assert_eq!(warnings(&made), [] as [&str; 0]);
}

#[test]
fn a_quantity_that_is_no_text_is_said_to_be_left_out() {
    let limits = json!({ "cpu": 2, "memory": "1Gi" });
    let made = World::new()
        .with("AgentRun", "spec.workload.resources.limits", limits)
        .with("AgentRun", "spec.runtime.config.resources.requests.cpu", 1)
        .made();
    assert_eq!(
        container(&made)["resources"],
        json!({ "limits": { "memory": "1Gi" } })
    );
    let fields: Vec<_> = made
        .warnings
        .iter()
        .filter_map(|it| it.at.as_ref())
        .collect();
    assert_eq!(
        fields.iter().map(|at| at.path.as_str()).collect::<Vec<_>>(),
        [
            "spec.runtime.config.resources.requests.cpu",
            "spec.workload.resources.limits.cpu"
        ]
    );
    assert!(warnings(&made)[0].contains("write it in quotes"));
}

#[test]
fn what_is_no_object_is_no_configuration_of_codex() {
    let adapter = json!({ "type": "exec", "codex": "x", "exec": { "binary": "/bin/sh" } });
    let made = World::new()
        .with("AgentProvider", "spec.adapter", adapter)
        .made();
    assert_eq!(
        made.spec["adapter"],
        json!({ "type": "exec", "exec": { "binary": "/bin/sh" } })
    );
}
