"""What the chart renders beside what the controller rendered, from the controller's own output in tests/testdata."""

import json

import pytest

from chart import ROOT, container, env_of, pod_of, render, run_values, spec_of

CASES = sorted(path.parent for path in (ROOT / "tests/testdata/conformance").glob("*/job.json"))


def controllers(case):
    """The pod, `agent-runner.json` and `run.json` of the controller."""
    data = json.loads((case / "configmap.json").read_text())["data"]
    pod = json.loads((case / "job.json").read_text())["spec"]["template"]
    return pod, json.loads(data["agent-runner.json"]), json.loads(data["run.json"])


def everything():
    """A run with all that reaches the pod and its files."""
    return run_values({"oneShot": {
        "agent": "codex", "model": "m", "systemPrompt": "s", "credentials": {"codexAuth": "{}"},
        "parameters": {"stage": "s", "repository": "a/b", "issueNumber": "1", "base": "main", "head": "h"},
        "git": {"url": "https://h/r.git", "tokenSecret": {"name": "t"}, "sshKeySecret": {"name": "k"}, "knownHostsConfigMap": {"name": "h"}},
        "outputArtifacts": [{"name": "r", "path": "/r"}],
    }})


def test_there_are_cases():
    assert len(CASES) >= 8


def test_every_key_is_one_that_the_controller_writes():
    spec, run = spec_of(render(everything()))
    specs, runs = [set(controllers(case)[1]) for case in CASES], [set(controllers(case)[2]) for case in CASES]
    # The runner's own settings are the one key that a controller does not know at the top.
    assert set(spec) - {"runner", "providerSpec"} <= set().union(*specs)
    assert set(run) <= set().union(*runs)
    # And none that it always writes is missing.
    assert set.intersection(*specs) <= set(spec)
    assert set.intersection(*runs) <= set(run)


def test_files_are_where_the_controller_mounts_them():
    ours = {(it["mountPath"], it.get("subPath")) for it in container(pod_of(render(everything())))["volumeMounts"]}
    for case in CASES:
        for mount in container(controllers(case)[0])["volumeMounts"]:
            if mount["name"].endswith("-spec-vol"):
                assert (mount["mountPath"], mount["subPath"]) in ours
            if mount["mountPath"].startswith("/var/run/secrets/agents/"):
                assert (mount["mountPath"], None) in ours


def test_variables_have_the_controller_s_names_and_values():
    ours = env_of(pod_of(render(everything())))
    for case in CASES:
        for name, value in env_of(controllers(case)[0]).items():
            if name in {"AGENT_RUN_SPEC", "AGENT_RUNNER_SPEC_PATH", "CODEX_SYSTEM_PROMPT_REQUIRED"}:
                assert ours[name] == value
    names = set().union(*(env_of(controllers(case)[0]) for case in CASES))
    contract = {"AGENT_RUN_SPEC", "AGENT_RUNNER_SPEC_PATH", "CODEX_HOME", "AGENT_PROVIDER", "CODEX_SYSTEM_PROMPT_EXPECTED_HASH", "CODEX_SYSTEM_PROMPT_REQUIRED", "VCS_TOKEN", "VCS_SSH_KEY_PATH", "VCS_SSH_KNOWN_HOSTS_PATH"}
    assert contract <= names and contract <= set(ours)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_container_is_called_and_read_alike(case):
    theirs, ours = container(controllers(case)[0]), container(pod_of(render(everything())))
    for key in ["name", "terminationMessagePath", "terminationMessagePolicy"]:
        assert ours[key] == theirs[key]
    assert controllers(case)[0]["spec"]["restartPolicy"] == pod_of(render(everything()))["spec"]["restartPolicy"]
    assert set(controllers(case)[0]["metadata"]["labels"]) <= set(pod_of(render(everything()))["metadata"]["labels"])


def test_the_same_words_give_the_same_run():
    """The controller's smallest case, asked of the chart."""
    _, spec, run = controllers(next(case for case in CASES if case.name == "codex-app-server-minimal"))
    ours_spec, ours = spec_of(render(run_values({"oneShot": {
        "agent": "codex", "prompt": run["prompt"], "systemPrompt": run["systemPrompt"], "parameters": run["parameters"],
        "credentials": {"apiKey": {"secretName": "s"}},
    }})))
    for key in ["provider", "parameters", "memory", "systemPrompt", "prompt", "stage", "metadata"]:
        assert ours[key] == run[key], key
    assert ours["implementation"]["text"] == run["implementation"]["text"]
    for key in ["schemaVersion", "provider", "inputs", "payloads", "artifacts"]:
        assert ours_spec[key] == spec[key], key
    for key in ["effort", "sandbox", "approval", "threadConfig", "systemPromptExpectedHash"]:
        assert ours_spec["adapter"]["codex"][key] == spec["adapter"]["codex"][key], key
