"""A run without a controller: what a controller would have rendered, and what surrounds it."""

import base64
import json
import re
import xml.etree.ElementTree as xml

import pytest
import yaml

from chart import CASES, ROOT, at, container, env_of, merged, pod_of, render, run_values, spec_of, values_of

PROMPT = "Analyze ClickHouse cluster health"
CLAUDE = {"oneShot": {"enabled": True, "agent": "claude", "prompt": PROMPT, "credentials": {"apiKey": {"secretName": "anthropic"}}}}
CODEX = merged(CLAUDE, at("oneShot.agent", "codex"))
EXEC = merged(CLAUDE, at("oneShot.agent", "codex-exec"))


def one(*layers):
    return render(merged(CLAUDE, *layers))


def secret(rendered, name="agents-credentials"):
    data = rendered.one("Secret", name)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_the_files_have_the_keys_of_the_contract():
    spec, run = spec_of(one())
    assert set(spec) == {"schemaVersion", "provider", "inputs", "payloads", "artifacts", "providerSpec", "adapter", "runner"}
    assert spec["schemaVersion"] == "agents.proompteng.ai/runner/v1"
    assert spec["payloads"] == {"eventFilePath": "/workspace/run.json"}
    assert spec["artifacts"] == {"statusPath": "/workspace/.agent/status.json", "logPath": "/workspace/.agent/runner.log", "logRetentionSeconds": 604800}
    assert set(run) == {"provider", "agentRun", "implementation", "parameters", "memory", "artifacts", "prompt", "metadata"}
    assert run["prompt"] == run["implementation"]["text"] == run["metadata"]["map"]["prompt"] == PROMPT
    assert run["memory"] is None


def test_the_config_map_has_the_two_files_and_cannot_change():
    found = one().one("ConfigMap")
    assert set(found["data"]) == {"run.json", "agent-runner.json"}
    assert found["immutable"] is True


def test_the_pod_is_that_of_the_contract():
    pod = pod_of(one())
    each = container(pod)
    assert [it["name"] for it in pod["spec"]["containers"]] == ["agent-runner"]
    assert each["command"] == ["/usr/local/bin/agent-runner"]
    assert "args" not in each
    assert each["terminationMessagePath"] == "/workspace/.agent/status.json"
    assert each["terminationMessagePolicy"] == "File"
    assert pod["spec"]["restartPolicy"] == "Never"
    mounts = {it["mountPath"]: it for it in each["volumeMounts"]}
    for file in ["run.json", "agent-runner.json"]:
        assert mounts[f"/workspace/{file}"] == {"name": "run-spec", "mountPath": f"/workspace/{file}", "subPath": file, "readOnly": True}


def test_variables_are_those_of_the_contract_in_its_order():
    names = [it["name"] for it in container(pod_of(render(values_of("ci/one-shot-codex-values.yaml"))))["env"]]
    contract = ["AGENT_RUN_SPEC", "AGENT_RUNNER_SPEC_PATH", "CODEX_HOME", "CODEX_AUTH", "AGENT_PROVIDER", "CODEX_SYSTEM_PROMPT_EXPECTED_HASH", "CODEX_SYSTEM_PROMPT_REQUIRED"]
    assert [name for name in names if name in contract] == contract
    assert len(names) == len(set(names))
    env = env_of(pod_of(one()))
    assert env["AGENT_RUN_SPEC"] == "/workspace/run.json"
    assert env["AGENT_RUNNER_SPEC_PATH"] == "/workspace/agent-runner.json"
    assert env["AGENT_PROVIDER"] == "claude"


def test_the_run_is_known_by_the_labels_of_a_controller():
    rendered = one()
    run = spec_of(rendered)[1]["agentRun"]["name"]
    for labels in [pod_of(rendered)["metadata"]["labels"], rendered.one("Job")["metadata"]["labels"], rendered.one("ConfigMap")["metadata"]["labels"]]:
        assert labels["agents.proompteng.ai/agent-run"] == run
        assert labels["agents.proompteng.ai/agent"] == "claude"
        assert labels["agents.proompteng.ai/provider"] == "claude"
    assert rendered.one("Job")["metadata"]["name"] == f"{run}-job"
    assert rendered.one("ConfigMap")["metadata"]["name"] == f"{run}-spec"
    assert f"job/{run}-job" in rendered.notes


@pytest.mark.parametrize("agent", ["claude", "codex", "codex-exec"])
def test_the_adapter_is_that_of_the_provider_that_we_ship(agent):
    provider = yaml.safe_load((ROOT / "providers" / f"{agent}.yaml").read_text())
    spec, run = spec_of(render(merged(CLAUDE, at("oneShot.agent", agent))))
    adapter = spec["adapter"]
    if agent == "codex":
        assert adapter["codex"].pop("prompt") == "{{run.prompt}}"
    assert adapter == provider["spec"]["adapter"]
    assert spec["provider"] == run["provider"] == provider["metadata"]["name"]
    assert spec["providerSpec"]["outputArtifacts"] == run["artifacts"] == provider["spec"]["outputArtifacts"]


def test_the_model_is_where_the_agent_looks_for_it():
    model = at("oneShot.model", "m-1")
    assert spec_of(one(model))[0]["inputs"] == {"model": "m-1"}
    assert spec_of(one(model))[1]["parameters"] == {"model": "m-1"}
    assert spec_of(render(merged(EXEC, model)))[0]["inputs"] == {"model": "m-1"}
    assert spec_of(render(merged(CODEX, model)))[0]["adapter"]["codex"]["model"] == "m-1"


def test_the_skill_is_a_setting():
    assert spec_of(one(at("oneShot.skillName", "plugin:audit")))[0]["runner"]["skill"] == "plugin:audit"
    assert "skill" not in spec_of(one())[0]["runner"]


def test_parameters_are_inputs_and_known_ones_are_at_the_top():
    spec, run = spec_of(one(at("oneShot.parameters", {"stage": "audit", "other": "x"})))
    assert spec["inputs"] == run["parameters"] == {"stage": "audit", "other": "x"}
    assert run["stage"] == "audit" and "other" not in run
    assert run["metadata"]["map"]["other"] == "x"


def test_the_system_prompt_is_held_to_its_hash():
    rendered = render(merged(CODEX, at("oneShot.systemPrompt", "Work carefully and report what you did.")))
    spec, run = spec_of(rendered)
    # The hash that the controller gave for the same text.
    wanted = "d83b36d9230846491053b131531904fb3d9a9da5ded73333c6a28f8525d8f32b"
    assert run["systemPrompt"] == "Work carefully and report what you did."
    assert spec["adapter"]["codex"]["systemPromptExpectedHash"] == wanted
    env = env_of(pod_of(rendered))
    assert env["CODEX_SYSTEM_PROMPT_EXPECTED_HASH"] == wanted
    assert env["CODEX_SYSTEM_PROMPT_REQUIRED"] == "true"


def test_arguments_are_added_to_those_of_the_provider():
    plain = spec_of(one())[0]["adapter"]["exec"]["argsTemplate"]
    more = spec_of(one(at("oneShot.extraArgs", ["--mcp-config", "/etc/x.json"])))[0]["adapter"]["exec"]["argsTemplate"]
    assert more == plain + ["--mcp-config", "/etc/x.json"]


def test_adapter_and_settings_are_merged_last():
    spec, _ = spec_of(one({"oneShot": {
        "adapter": {"exec": {"binary": "/opt/claude"}, "runner": {"timeouts": {"idle": "1m"}}},
        "settings": {"timeouts": {"firstEvent": "5m"}, "budget": {"tokens": 1000}},
    }}))
    assert spec["adapter"]["exec"]["binary"] == "/opt/claude"
    assert spec["adapter"]["runner"]["timeouts"] == {"idle": "1m", "total": "4h"}
    assert spec["runner"] == {"timeouts": {"total": "1500s", "firstEvent": "5m"}, "budget": {"tokens": 1000}}


@pytest.mark.parametrize("agent", ["claude", "codex", "codex-exec"])
def test_what_a_provider_gives_by_variables_is_a_setting_here(agent):
    """A controller renders `envTemplate`; here what has no tags in it must not get lost."""
    provider = yaml.safe_load((ROOT / "providers" / f"{agent}.yaml").read_text())
    values = merged(CLAUDE, at("oneShot.agent", agent))
    timeouts = spec_of(render(values))[0]["runner"]["timeouts"]
    places = {"AGENT_RUNNER_TIMEOUTS_IDLE": "idle", "AGENT_RUNNER_TIMEOUTS_TOTAL": "total"}
    plain = {name: value for name, value in provider["spec"].get("envTemplate", {}).items() if "{{" not in value}
    assert set(plain) <= set(places) and bool(plain) is (agent == "codex")
    # The run's own limit is `timeoutSeconds`.
    wanted = {places[name]: value for name, value in plain.items()} | {"total": "1500s"}
    assert timeouts == wanted
    # A variable would win over the setting.
    assert not set(plain) & set(env_of(pod_of(render(values))))
    changed = spec_of(render(merged(values, at("oneShot.settings.timeouts.idle", "3m"))))[0]["runner"]["timeouts"]
    assert changed == timeouts | {"idle": "3m"}


@pytest.mark.parametrize("agent", ["claude", "codex", "codex-exec"])
def test_an_agent_that_says_nothing_is_waited_for_as_long_as_its_provider_says(agent):
    provider = yaml.safe_load((ROOT / "providers" / f"{agent}.yaml").read_text())["spec"]
    said = lambda *layers: spec_of(render(merged(CLAUDE, at("oneShot.agent", agent), *layers)))[0]
    idle = lambda spec: spec["runner"]["timeouts"].get("idle") or spec["adapter"].get("runner", {}).get("timeouts", {}).get("idle")
    wanted = provider["envTemplate"].get("AGENT_RUNNER_TIMEOUTS_IDLE") or provider["adapter"]["runner"]["timeouts"]["idle"]
    assert wanted == "15m" and idle(said()) == wanted
    assert idle(said(at("oneShot.settings.timeouts.idle", "1m"))) == "1m"
    assert idle(said(at("oneShot.adapter.runner.timeouts.idle", "2m"))) == "2m"
    # The rest of a provider's variables is for a controller, or the chart's own: one more would be lost.
    plain = {name for name, value in provider["envTemplate"].items() if "{{" not in value}
    assert plain <= {"AGENT_RUNNER_TIMEOUTS_IDLE", "AGENT_RUNNER_TIMEOUTS_TOTAL"}


def test_input_files_are_mounted_as_they_are():
    rendered = render(values_of("ci/one-shot-codex-exec-values.yaml"))
    found = next(it for it in rendered.all("ConfigMap") if it["metadata"]["name"].endswith("-inputs"))
    assert found["data"] == {"input-0": '# Criteria\n\n{{ not a template }} and "quotes"\n'}
    mounts = {it["mountPath"]: it for it in container(pod_of(rendered))["volumeMounts"]}
    assert mounts["/workspace/criteria.md"] == {"name": "run-inputs", "mountPath": "/workspace/criteria.md", "subPath": "input-0", "readOnly": True}


def test_artifacts_can_be_declared():
    spec, run = spec_of(render(values_of("ci/one-shot-codex-exec-values.yaml")))
    wanted = {"name": "report", "path": "/workspace/repo/report.md", "key": "reports/report.md"}
    assert wanted in spec["providerSpec"]["outputArtifacts"] and wanted in run["artifacts"]


# Job, CronJob, Pod.


def test_a_job_a_cron_job_or_a_pod():
    kinds = lambda values: {it["kind"] for it in render(values).objects} & {"Job", "CronJob", "Pod", "Deployment"}
    assert kinds(CLAUDE) == {"Job"}
    assert kinds(merged(CLAUDE, at("oneShot.schedule", "0 3 * * *"))) == {"CronJob"}
    assert kinds(merged(CLAUDE, at("oneShot.debugMode", True))) == {"Pod"}
    assert kinds(merged(CLAUDE, at("controlPlane.enabled", True))) == {"Job", "Deployment"}
    assert kinds({"oneShot": {"enabled": False}}) == {"Deployment"}


def test_all_three_have_the_same_pod():
    job = pod_of(one())
    cron = pod_of(one(at("oneShot.schedule", "0 3 * * *")))
    debug = pod_of(one(at("oneShot.debugMode", True)))
    assert cron == job
    assert container(debug)["command"] == ["sleep", "infinity"]
    differences = {key for key in container(job) if container(job)[key] != container(debug).get(key)}
    assert differences == {"command", "env"}
    assert set(env_of(job)) == set(env_of(debug))


def test_the_debug_pod_does_not_run_the_agent():
    rendered = one(at("oneShot.debugMode", True))
    assert "agent-runner" not in " ".join(container(pod_of(rendered))["command"])
    assert "exec -it" in rendered.notes and "agent-runner --dry-run" in rendered.notes
    # There is nothing to say to an agent that nobody starts.
    render({"oneShot": {"enabled": True, "debugMode": True}})


def test_the_schedule_has_what_a_schedule_has():
    spec = render(values_of("ci/one-shot-cronjob-values.yaml")).one("CronJob")["spec"]
    job = spec.pop("jobTemplate")["spec"]
    assert spec == {
        "schedule": "0 3 * * *", "timeZone": "Europe/Berlin", "concurrencyPolicy": "Replace", "suspend": True,
        "startingDeadlineSeconds": 600, "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 5,
    }
    assert job["ttlSecondsAfterFinished"] == 3600


def test_the_job_has_the_limits_of_the_values():
    spec = render(values_of("ci/one-shot-codex-values.yaml")).one("Job")["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (2, 5400)
    spec = one().one("Job")["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 2400)
    assert "ttlSecondsAfterFinished" not in spec


def test_the_runner_ends_before_kubernetes_does():
    rendered = one(at("oneShot.timeoutSeconds", 600))
    spec, _ = spec_of(rendered)
    assert spec["runner"]["timeouts"]["total"] == "600s"
    assert rendered.one("Job")["spec"]["activeDeadlineSeconds"] > 600


def test_a_checkout_and_an_upload_have_an_end():
    git = {"oneShot": {"git": {"url": "https://h/r.git", "timeoutSeconds": 100}}}
    store = {"oneShot": {"storeResults": {"enabled": True, "s3Bucket": "b", "existingSecret": {"name": "s"}, "timeoutSeconds": 200}}}
    settings = lambda *layers: spec_of(one(*layers))[0]["runner"]
    assert settings(git)["workspace"]["timeouts"] == {"total": "100s"}
    assert settings(git, at("oneShot.settings.workspace.timeouts.connect", "5s"))["workspace"]["timeouts"] == {"total": "100s", "connect": "5s"}
    assert settings(store)["artifacts"]["timeout"] == "200s"
    assert settings(at("oneShot.settings", {"workspace": {"git": {"url": "https://h/r.git"}}, "artifacts": {"bucket": "b"}})) == {
        "timeouts": {"total": "1500s"},
        "workspace": {"git": {"url": "https://h/r.git"}, "timeouts": {"total": "300s"}},
        "artifacts": {"bucket": "b", "timeout": "300s"},
    }
    assert settings() == {"timeouts": {"total": "1500s"}}


@pytest.mark.parametrize("case", ["defaults", *[case for case in CASES if values_of(case).get("oneShot", {}).get("enabled")]])
def test_all_tries_fit_into_the_deadline(case):
    """Counted from what is rendered, not from the values: what the runner is told is what has to fit."""
    rendered = render(merged(CLAUDE if case == "defaults" else {}, values_of(case)))
    jobs = [it["spec"] for it in rendered.all("Job")] + [it["spec"]["jobTemplate"]["spec"] for it in rendered.all("CronJob")]
    runner = spec_of(rendered)[0]["runner"]
    limits = [runner["timeouts"]["total"]]
    if "git" in runner.get("workspace", {}):
        limits.append(runner["workspace"]["timeouts"]["total"])
    if "artifacts" in runner:
        limits.append(runner["artifacts"]["timeout"])
    for job in jobs:
        each = sum(int(limit.removesuffix("s")) for limit in limits) + job["template"]["spec"]["terminationGracePeriodSeconds"]
        assert job["activeDeadlineSeconds"] > (job["backoffLimit"] + 1) * each
    assert jobs or "debug" in case


def test_the_runner_is_told_its_grace():
    for grace in (30, 120, 600):
        pod = pod_of(one({"oneShot": {"terminationGracePeriodSeconds": grace, "job": {"activeDeadlineSeconds": 9999}}}))
        assert pod["spec"]["terminationGracePeriodSeconds"] == grace
        assert env_of(pod)["AGENT_RUNNER_TERMINATION_GRACE_SECONDS"] == str(grace)


def table_of_codes():
    """Exit code to whether another try may help, from the reference of the runner."""
    text = (ROOT / "docs/reference.md").read_text()
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[3] in {"yes", "no"} and cells[1].startswith("`"):
            for code in re.findall(r"\d+", cells[0].replace("128 + its signal", "")):
                found.setdefault(int(code), set()).add(cells[3])
    return found


def test_the_failure_policy_is_the_table_of_exit_codes():
    table = table_of_codes()
    assert len(table) > 15 and table[64] == {"no"} and table[75] == {"yes"}
    assert all(len(said) == 1 for said in table.values()), "a code that is both cannot be a rule"
    rules = one().one("Job")["spec"]["podFailurePolicy"]["rules"]
    assert rules[0] == {"action": "Count", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert rules[1]["action"] == "FailJob"
    codes = rules[1]["onExitCodes"]
    assert codes["containerName"] == "agent-runner" and codes["operator"] == "NotIn"
    assert codes["values"] == sorted(code for code, said in table.items() if said == {"yes"})


def test_the_failure_policy_can_be_changed_and_left_out():
    rules = render(values_of("ci/one-shot-codex-values.yaml")).one("Job")["spec"]["podFailurePolicy"]["rules"]
    assert rules[0]["action"] == "Ignore"
    assert "podFailurePolicy" not in one(at("oneShot.job.podFailurePolicy.enabled", False)).one("Job")["spec"]


# Credentials.


def test_a_file_of_credentials_becomes_a_secret_and_a_file():
    rendered = render({"oneShot": {"enabled": True, "prompt": "x", "credentials": {"claudeCredentials": '{"a": "b"}'}}})
    assert secret(rendered) == {"claude-credentials.json": '{"a": "b"}'}
    pod = pod_of(rendered)
    mounts = {it["mountPath"]: it for it in container(pod)["volumeMounts"]}
    file = mounts["/home/agent/.claude/.credentials.json"]
    assert file == {"name": "credentials", "mountPath": "/home/agent/.claude/.credentials.json", "subPath": ".credentials.json", "readOnly": True}
    # The directory around it can be written: the agent keeps its conversations there.
    volumes = {it["name"]: it for it in pod["spec"]["volumes"]}
    assert volumes[mounts["/home/agent/.claude"]["name"]] == {"name": "agent-home", "emptyDir": {}}
    assert volumes["credentials"]["secret"]["secretName"] == "agents-credentials"
    assert volumes["credentials"]["secret"]["defaultMode"] == 0o440
    assert env_of(pod)["CLAUDE_CONFIG_DIR"] == "/home/agent/.claude"
    assert env_of(pod)["HOME"] == "/home/agent"


@pytest.mark.parametrize("agent", ["codex", "codex-exec"])
def test_codex_finds_its_file_where_the_contract_says(agent):
    rendered = render({"oneShot": {"enabled": True, "agent": agent, "prompt": "x", "credentials": {"codexAuth": "{}"}}})
    env = env_of(pod_of(rendered))
    assert (env["CODEX_HOME"], env["CODEX_AUTH"]) == ("/home/agent/.codex", "/home/agent/.codex/auth.json")
    mounts = {it["mountPath"]: it for it in container(pod_of(rendered))["volumeMounts"]}
    assert mounts["/home/agent/.codex/auth.json"]["subPath"] == "auth.json"
    assert "codex-auth.json" in secret(rendered)


def test_a_secret_that_is_there_is_used_by_its_keys():
    values = {"oneShot": {"enabled": True, "prompt": "x", "credentials": {"create": False, "existingSecretName": "mine"}}}
    for agent, key in [("claude", "claude-credentials.json"), ("codex", "codex-auth.json")]:
        rendered = render(merged(values, at("oneShot.agent", agent)))
        assert rendered.all("Secret") == []
        volume = next(it for it in pod_of(rendered)["spec"]["volumes"] if it["name"] == "credentials")
        assert volume["secret"]["secretName"] == "mine"
        assert [it["key"] for it in volume["secret"]["items"]] == [key]


def test_a_key_is_a_variable_of_the_agent():
    assert env_of(pod_of(one()))["ANTHROPIC_API_KEY"] == {"secretKeyRef": {"name": "anthropic", "key": "api-key"}}
    assert env_of(pod_of(render(CODEX)))["CODEX_API_KEY"] == {"secretKeyRef": {"name": "anthropic", "key": "api-key"}}
    assert one().all("Secret") == []


def test_the_fake_agent_needs_nothing():
    rendered = render(run_values())
    assert rendered.all("Secret") == []
    assert spec_of(rendered)[0]["adapter"]["codex"]["binaryPath"] == "/usr/local/bin/agents-fake-codex-app-server"


# Results.


RESULTS = {"oneShot": {"storeResults": {"enabled": True, "s3Bucket": "b"}}}


def test_results_as_a_role():
    rendered = render(values_of("ci/one-shot-results-irsa-values.yaml"))
    account = rendered.one("ServiceAccount")
    assert account["metadata"]["name"] == "results"
    assert account["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/my-eks-s3-role", "team": "data"}
    pod = pod_of(rendered)
    assert pod["spec"]["serviceAccountName"] == "results"
    artifacts = spec_of(rendered)[0]["runner"]["artifacts"]
    assert artifacts["credentials"] == "web-identity"
    assert (artifacts["endpoint"], artifacts["bucket"], artifacts["region"], artifacts["when"]) == ("aws", "my-results-bucket", "us-east-1", "success")
    assert env_of(pod)["AWS_REGION"] == "us-east-1"
    assert not any("ACCESS_KEY" in name for name in env_of(pod))
    assert spec_of(rendered)[0]["runner"]["workspace"]["wip"] is True


def test_a_role_is_not_kept_from_the_agent_and_the_page_says_so():
    """Kubernetes mounts its token for the one container that there is, and the agent is of the same user."""
    rendered = render(values_of("ci/one-shot-results-irsa-values.yaml"))
    assert len(pod_of(rendered)["spec"]["containers"]) == 1
    readme = " ".join((ROOT / "charts/agents/README.md").read_text().split())
    assert "The agent does not get the keys of a Secret." in readme
    assert "can be read by all that the container runs, the agent included" in readme
    assert "The agent does not get these credentials" not in readme


def test_results_with_keys():
    rendered = render(values_of("ci/one-shot-results-static-values.yaml"))
    assert secret(rendered, "agents-results") == {"accesskey": "AKIAIOSFODNN7EXAMPLE", "secretkey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
    env = env_of(pod_of(rendered))
    assert env["AGENTS_ARTIFACTS_ACCESS_KEY_ID"] == {"secretKeyRef": {"name": "agents-results", "key": "accesskey"}}
    assert env["AGENTS_ARTIFACTS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "agents-results", "key": "secretkey"}}
    artifacts = spec_of(rendered)[0]["runner"]["artifacts"]
    assert artifacts["credentials"] == "static"
    assert (artifacts["endpoint"], artifacts["region"]) == ("http://minio.minio.svc:9000", "eu-central-1")
    assert "files" not in artifacts


def test_results_with_the_keys_of_a_secret_that_is_there():
    rendered = render(values_of("ci/one-shot-results-secret-values.yaml"))
    assert rendered.all("Secret") == []
    env = env_of(pod_of(rendered))
    assert env["AGENTS_ARTIFACTS_ACCESS_KEY_ID"] == {"secretKeyRef": {"name": "results-bucket", "key": "AWS_ACCESS_KEY_ID"}}


def test_results_of_every_try_have_a_place_of_their_own():
    env = [it for it in container(pod_of(render(values_of("ci/one-shot-results-secret-values.yaml"))))["env"]]
    names = [it["name"] for it in env]
    prefix = next(it for it in env if it["name"] == "AGENT_RUNNER_ARTIFACTS_PREFIX")
    assert prefix["value"] == "agent-results/$(AGENT_POD_NAME)"
    # Kubernetes knows a variable only behind its definition.
    assert names.index("AGENT_POD_NAME") < names.index("AGENT_RUNNER_ARTIFACTS_PREFIX")
    for written, prefix in {"": "$(AGENT_POD_NAME)", "/a/b/": "a/b/$(AGENT_POD_NAME)"}.items():
        env = env_of(pod_of(render(merged(values_of("ci/one-shot-results-secret-values.yaml"), at("oneShot.storeResults.s3Prefix", written)))))
        assert env["AGENT_RUNNER_ARTIFACTS_PREFIX"] == prefix


def test_the_directory_of_the_agent_is_stored_without_what_is_not_its_own():
    artifacts = spec_of(render(values_of("ci/one-shot-results-secret-values.yaml")))[0]["runner"]["artifacts"]
    assert artifacts["files"] == [{"name": "work", "path": "/workspace/repo", "optional": True, "exclude": [".git", "**/node_modules"]}]
    assert artifacts["include"] == ["log", "journal", "status", "manifest"]
    assert artifacts["when"] == "always"


def test_without_results_nothing_speaks_of_them():
    rendered = one()
    assert "artifacts" not in spec_of(rendered)[0]["runner"]
    assert not any("ARTIFACTS" in name or "AWS" in name for name in env_of(pod_of(rendered)))


# Tools.


def test_the_clickhouse_client_is_configured():
    rendered = render(values_of("ci/one-shot-clickhouse-values.yaml"))
    config = xml.fromstring(secret(rendered)["clickhouse-client-config.xml"])
    said = {it.tag: it.text for it in config}
    assert (said["host"], said["port"], said["user"], said["database"], said["secure"]) == ("clickhouse.data.svc", "9440", "reader", "analytics", "true")
    assert said["password"] == "p<a>s&s\"w'ord"
    client = config.find("openSSL/client")
    assert client.find("caConfig").text == "/etc/clickhouse-client/ca.crt"
    assert client.find("certificateFile").text == "/etc/clickhouse-client/client.crt"
    assert client.find("privateKeyFile").text == "/etc/clickhouse-client/client.key"
    assert client.find("verificationMode").text == "strict"


def test_the_mcp_server_is_configured():
    rendered = render(values_of("ci/one-shot-clickhouse-values.yaml"))
    config = yaml.safe_load(secret(rendered)["altinity-mcp-config.yaml"])
    assert config["clickhouse"] == {
        "host": "clickhouse.data.svc", "port": 9440, "database": "analytics", "username": "reader",
        "password": "p<a>s&s\"w'ord", "protocol": "tcp", "read_only": True,
        "tls": {"enabled": True, "ca_cert": "/etc/altinity-mcp/ca.crt", "client_cert": "/etc/altinity-mcp/client.crt", "client_key": "/etc/altinity-mcp/client.key"},
    }
    assert config["server"] == {"transport": "stdio"}


def test_claude_is_told_of_the_mcp_server():
    """Its definition says `--strict-mcp-config`: a server that no argument names is not started."""
    rendered = render(values_of("ci/one-shot-clickhouse-values.yaml"))
    arguments = spec_of(rendered)[0]["adapter"]["exec"]["argsTemplate"]
    assert "--strict-mcp-config" in arguments
    path = arguments[arguments.index("--mcp-config") + 1]
    mount = next(it for it in container(pod_of(rendered))["volumeMounts"] if it["mountPath"] == path)
    files = next(it for it in rendered.all("ConfigMap") if it["metadata"]["name"].endswith("-inputs"))["data"]
    (server,) = json.loads(files[mount["subPath"]])["mcpServers"].values()
    assert server["command"] == "altinity-mcp"
    config = server["args"][server["args"].index("--config") + 1]
    directory, file = config.rsplit("/", 1)
    volume = next(it["name"] for it in container(pod_of(rendered))["volumeMounts"] if it["mountPath"] == directory)
    sources = next(it for it in pod_of(rendered)["spec"]["volumes"] if it["name"] == volume)["projected"]["sources"]
    assert file in {item["path"] for source in sources for item in source["secret"]["items"]}
    # Neither program is in an image of ours, and the page says so.
    assert not container(pod_of(rendered))["image"].startswith("ghcr.io/agent-runner/")
    readme = " ".join((ROOT / "charts/agents/README.md").read_text().split())
    assert "The images have neither `clickhouse-client` nor `altinity-mcp`" in readme
    for dockerfile in (ROOT / "images").glob("*/Dockerfile"):
        assert not re.search(r"altinity-mcp|clickhouse", dockerfile.read_text()), dockerfile


def test_both_configurations_are_where_their_programs_look():
    pod = pod_of(render(values_of("ci/one-shot-clickhouse-values.yaml")))
    volumes = {it["name"]: it for it in pod["spec"]["volumes"]}
    for path, key, file in [("/etc/clickhouse-client", "clickhouse-client-config.xml", "config.xml"), ("/etc/altinity-mcp", "altinity-mcp-config.yaml", "config.yaml")]:
        mount = next(it for it in container(pod)["volumeMounts"] if it["mountPath"] == path)
        assert mount["readOnly"] is True
        main, tls = [it["secret"] for it in volumes[mount["name"]]["projected"]["sources"]]
        assert main["items"] == [{"key": key, "path": file}] and not main.get("optional")
        assert tls["optional"] is True
        assert [it["path"] for it in tls["items"]] == ["ca.crt", "client.crt", "client.key"]


def test_tls_may_be_off_or_use_what_everybody_trusts():
    values = values_of("ci/one-shot-clickhouse-values.yaml")
    off = secret(render(merged(values, at("oneShot.clickhouse.tls.enabled", False))))
    assert xml.fromstring(off["clickhouse-client-config.xml"]).find("openSSL") is None
    assert not [key for key in off if key.endswith((".crt", ".key"))]
    bare = secret(render(merged(values, at("oneShot.clickhouse.tls", {"ca": "", "cert": "", "key": ""}))))
    client = xml.fromstring(bare["clickhouse-client-config.xml"]).find("openSSL/client")
    assert client.find("loadDefaultCAFile").text == "true" and client.find("caConfig") is None


def test_a_secret_that_is_there_has_the_configuration_too():
    values = {"oneShot": {"enabled": True, "prompt": "x", "credentials": {"create": False, "existingSecretName": "mine"}, "clickhouse": {"enabled": True}}}
    rendered = render(values)
    assert rendered.all("Secret") == []
    sources = [s["secret"] for v in pod_of(rendered)["spec"]["volumes"] if "projected" in v for s in v["projected"]["sources"]]
    assert {it["name"] for it in sources} == {"mine"}


# What is around it.


def test_a_repository_is_cloned_with_the_credentials_of_secrets():
    rendered = render(values_of("ci/one-shot-git-values.yaml"))
    assert spec_of(rendered)[0]["runner"]["workspace"]["git"] == {"url": "git@git.example.com:acme/widgets.git", "ref": "main", "path": "services/api", "depth": 0}
    env = env_of(pod_of(rendered))
    assert env["VCS_TOKEN"] == {"secretKeyRef": {"name": "git-token", "key": "token"}}
    assert env["VCS_SSH_KEY_PATH"] == "/var/run/secrets/agents/vcs/ssh/id"
    assert env["VCS_SSH_KNOWN_HOSTS_PATH"] == "/var/run/secrets/agents/vcs/known-hosts/hosts"
    mounts = {it["mountPath"] for it in container(pod_of(rendered))["volumeMounts"]}
    assert {"/var/run/secrets/agents/vcs/ssh", "/var/run/secrets/agents/vcs/known-hosts"} <= mounts


def test_events_have_a_server_and_an_identity():
    env = env_of(pod_of(render(values_of("ci/one-shot-git-values.yaml"))))
    assert env["NATS_URL"] == "nats://nats.nats.svc:4333"
    assert env["NATS_USER"] == {"secretKeyRef": {"name": "nats-agents-credentials", "key": "username"}}
    assert env["NATS_PASSWORD"] == {"secretKeyRef": {"name": "nats-agents-credentials", "key": "password"}}
    assert env["AGENT_RUN_NAME"] == {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}
    assert env["AGENT_RUN_UID"] == {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/controller-uid']"}}
    assert env["AGENT_RUN_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_further_variables_come_last():
    values = merged(CLAUDE, at("oneShot.extraEnv", [{"name": "A", "value": "b"}]), at("oneShot.extraEnvFrom", [{"secretRef": {"name": "s"}}]))
    each = container(pod_of(render(values)))
    assert each["env"][-1] == {"name": "A", "value": "b"}
    assert each["envFrom"] == [{"secretRef": {"name": "s"}}]


def test_the_work_may_be_on_a_claim():
    volumes = {it["name"]: it for it in pod_of(render(values_of("ci/one-shot-git-values.yaml")))["spec"]["volumes"]}
    assert volumes["work"] == {"name": "work", "persistentVolumeClaim": {"claimName": "widgets-checkout"}}


def test_the_scheduler_gets_what_the_values_say():
    spec = pod_of(render(values_of("ci/one-shot-codex-values.yaml")))["spec"]
    assert spec["nodeSelector"] == {"disktype": "ssd"}
    assert spec["tolerations"][0]["key"] == "agents"
    assert "nodeAffinity" in spec["affinity"]
    assert spec["topologySpreadConstraints"][0]["maxSkew"] == 1
    assert spec["priorityClassName"] == "batch"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["serviceAccountName"] == "codex"


def test_the_image_is_that_of_the_runs_or_the_one_that_is_said():
    image = lambda *layers: container(pod_of(one(*layers)))["image"]
    assert image() == "ghcr.io/agent-runner/agent:0.1.0"
    assert image(at("runner.image.tag", "2")) == "ghcr.io/agent-runner/agent:2"
    digest = "sha256:" + "a" * 64
    assert image(at("runner.image.digest", digest)) == f"ghcr.io/agent-runner/agent:0.1.0@{digest}"
    # Another tag or repository is another image: the digest is not its.
    assert image(at("runner.image.digest", digest), at("oneShot.image.tag", "3")) == "ghcr.io/agent-runner/agent:3"
    assert image(at("oneShot.image", {"repository": "r/x", "digest": digest})) == f"r/x:0.1.0@{digest}"
    assert image(at("runtime.agentRunnerImage", "old:1")) == "old:1"
    assert image(at("runtime.agentRunnerImage", "old:1"), at("oneShot.image.tag", "3")) == "ghcr.io/agent-runner/agent:3"
