"""The providers that the controller's own cases have, each in a pod of the chart: validated, and carried out."""

import json

import pytest

from chart import ROOT, at, env_of, merged, render, run_values, spec_of
from git_server import HttpServer, SshServer, repository
from image import ANYBODY, FAKE, name_of
from model import Model
from pod import Pod
from test_agents import KEY, MODEL, provider_of
from test_runs import accepted

CASES = {path.parent.name: path.parent for path in sorted((ROOT / "tests/testdata/conformance").glob("*/configmap.json"))}
OF_CODEX = [name for name in CASES if name.startswith("codex-")]
OF_EXEC = [name for name in CASES if name.startswith("exec-")]
TOKEN = "a-token-for-git"


def documents(case):
    """`agent-runner.json` and `run.json`, as the controller wrote them."""
    data = json.loads((CASES[case] / "configmap.json").read_text())["data"]
    return json.loads(data["agent-runner.json"]), json.loads(data["run.json"])


def expected(case):
    return json.loads((CASES[case] / "expected.json").read_text())


def asked(case):
    """What a user would set for the chart to carry out what the case asks."""
    spec, run = documents(case)
    # A parameter of this name is refused by the chart; a provider may call it as it likes.
    parameters = {name.replace("prompt", "question"): value for name, value in run["parameters"].items()}
    adapter = json.loads(json.dumps(spec["adapter"]).replace("inputs.prompt", "inputs.question"))
    artifacts = spec.get("providerSpec", {}).get("outputArtifacts", [])
    values = {
        "prompt": run["prompt"], "parameters": parameters, "systemPrompt": run.get("systemPrompt", ""), "adapter": adapter, "outputArtifacts": artifacts,
        "storeResults": {"enabled": True, "s3Bucket": "results", "s3Endpoint": "file:///workspace/store"},
    }
    if adapter["type"] == "exec":
        # Where a provider says nothing about it, its agent is talked to as any program.
        return merged(values, {"agent": "claude", "settings": {"protocol": "raw"}})
    if "systemPromptPath" in adapter["codex"]:
        manifests = json.loads((CASES[case] / "manifests.json").read_text())
        prompt = next(it for it in manifests if it["kind"] == "ConfigMap")["data"]["prompt"]
        values["inputFiles"] = [{"path": adapter["codex"]["systemPromptPath"], "content": prompt}]
    return values


class Repository:
    """Serves what the case has checked out as long as it is entered: over SSH if the controller would, else for a token.

    `values` are what the chart needs for it, and `given` what these refer to.
    """

    def __init__(self, case, directory):
        self.case, self.directory, self.server = case, directory, None
        self.vcs = documents(case)[1].get("vcs")
        self.values, self.given = {}, {}

    def __enter__(self):
        if not self.vcs:
            return self
        name, branch = self.vcs["repository"], self.vcs["baseBranch"]
        repository(self.directory, name, branch)
        if self.vcs["cloneProtocol"] == "ssh":
            self.server = SshServer(self.directory).__enter__()
            git = {"sshKeySecret": {"name": "git-ssh"}, "knownHostsConfigMap": {"name": "hosts"}}
            self.given = {"git-ssh": {"privateKey": self.server.key}, "hosts": {"known_hosts": self.server.known_hosts}}
        else:
            self.server = HttpServer(self.directory / "served", TOKEN).__enter__()
            git = {"tokenSecret": {"name": "git-token"}}
            self.given = {"git-token": {"token": TOKEN.encode()}}
        pod = json.loads((CASES[self.case] / "job.json").read_text())["spec"]["template"]
        told = {name: value for name, value in env_of(pod).items() if name.startswith(("VCS_", "GIT_")) and isinstance(value, str)}
        # The server is another one than the controller's.
        told = {name: value for name, value in told.items() if not name.startswith("VCS_SSH_")} | {"VCS_CLONE_BASE_URL": self.server.url}
        self.values = {
            "git": git | {"url": f"{self.server.url}/{name}.git", "ref": branch},
            "extraEnv": [{"name": name, "value": value} for name, value in told.items()],
        }
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.__exit__()

    def is_checked_out(self, volumes):
        """Says whether the directory of the agent has the branch of the case, if it has one."""
        return not self.vcs or (volumes / "work/README").read_text() == f"of {self.vcs['baseBranch']}\n"


def carried_out(values, directory, image, given):
    """The run's status, its stdout and its directory; before it, `validate` of what the pod has mounted."""
    rendered = render(run_values(at("oneShot", values)))
    for verb in [["validate", "/workspace/agent-runner.json"], []]:
        place = directory / (verb or ["run"])[0]
        place.mkdir()
        pod = Pod(rendered, place, name_of(image), ANYBODY, given, network="host").start(*verb)
        code, said = pod.end(timeout=120)
        assert code == 0, said
        if verb:
            assert said.strip() == "/workspace/agent-runner.json: ok"
    return rendered, accepted(pod.message.read_bytes()), said, place / "volumes"


@pytest.mark.parametrize("case", OF_CODEX)
def test_a_case_of_codex_succeeds_with_the_scripted_agent(case, tmp_path):
    own = {"agent": "fake", "adapter": {"codex": {"binaryPath": FAKE}}}
    # It writes the one artifact that a case has and that nobody else makes.
    artifact = {"name": "AGENTS_FAKE_CODEX_APP_SERVER_ARTIFACT", "value": "/workspace/out/change.patch"}
    with Repository(case, tmp_path / "repository") as repository:
        values = merged(asked(case), own, repository.values)
        values["extraEnv"] = [*values.get("extraEnv", []), artifact]
        rendered, status, said, volumes = carried_out(values, tmp_path, "agent", repository.given)
    spec, run = spec_of(rendered)
    wanted = expected(case)
    assert "OK" in said
    assert {key: value for key, value in spec["adapter"]["codex"].items() if key in wanted["codex"] and key != "prompt"} == {
        key: value for key, value in wanted["codex"].items() if key != "prompt"
    }
    names = [it["name"] for it in status["artifacts"]["outputArtifacts"]]
    for artifact in wanted["outputArtifacts"]:
        assert artifact["name"] in names
        if "key" in artifact:
            key = artifact["key"].replace(case, run["agentRun"]["name"])
            assert len(list((volumes / "workspace/store/results").rglob(key))) == 1, key
    assert repository.is_checked_out(volumes)


@pytest.mark.parametrize("case", OF_CODEX)
def test_a_case_of_codex_succeeds_with_the_real_one(case, tmp_path):
    with Repository(case, tmp_path / "repository") as repository, Model("mkdir -p /workspace/out && id -u > /workspace/out/change.patch", "It is fixed.") as model:
        # One of the cases says `off`, which the pinned version does not know.
        thread = {"model_provider": "scripted", "model_providers": {"scripted": provider_of(model)}, "web_search": "disabled"}
        own = {"agent": "codex", "adapter": {"codex": {"model": MODEL, "threadConfig": thread}}, "credentials": {"apiKey": {"secretName": "key"}}}
        given = {"key": {"api-key": KEY}} | repository.given
        _, status, said, volumes = carried_out(merged(asked(case), own, repository.values), tmp_path, "codex", given)
    assert status["usage"]["turns"] >= 1
    assert "It is fixed." in said
    assert (volumes / "workspace/out/change.patch").read_text().strip() == ANYBODY.split(":")[0]
    assert repository.is_checked_out(volumes)


def test_a_case_of_claude_succeeds_with_the_real_one(tmp_path):
    case = "exec-claude"
    with Model("mkdir -p /workspace/out/audit && echo risky > /workspace/out/audit/report.md", "It is audited.") as model:
        values = asked(case)
        arguments = values["adapter"]["exec"]["argsTemplate"] + ["--dangerously-skip-permissions"]
        own = {"extraEnv": [{"name": "ANTHROPIC_BASE_URL", "value": model.url}], "credentials": {"apiKey": {"secretName": "key"}}}
        own["adapter"] = {"exec": {"argsTemplate": arguments}}
        _, status, said, volumes = carried_out(merged(values, own), tmp_path, "claude", {"key": {"api-key": KEY}})
    wanted = expected(case)
    assert "It is audited." in said
    assert (volumes / "run-state/task-audit.md").read_text() == wanted["inputFiles"][0]["content"]
    # What the agent was asked, to the letter.
    assert any(wanted["args"][1] in json.dumps(it["messages"], ensure_ascii=False).replace('\\"', '"') for it in model.requests)
    stored = volumes / "workspace/store/results"
    assert [path.read_text() for path in stored.rglob("runs/audit/report.md")] == ["risky\n"]


@pytest.mark.parametrize("case", [case for case in OF_EXEC if case != "exec-claude"])
def test_a_case_of_a_program_says_what_the_controller_s_runner_said(case, tmp_path):
    values = merged(asked(case), {"credentials": {"apiKey": {"secretName": "key"}}})
    if case == "exec-inferred":
        # The case declares one that its program does not write.
        values["adapter"]["exec"]["argsTemplate"] = ["-c", "echo {{inputs.word}} | tee /workspace/out.txt"]
    _, status, said, _ = carried_out(values, tmp_path, "agent", {"key": {"api-key": KEY}})
    assert status["exitCode"] == 0
    # The runner's own lines are around it.
    assert ("\nplain\n" if case == "exec-inferred" else "|".join(expected(case)["args"][1:])) in said
