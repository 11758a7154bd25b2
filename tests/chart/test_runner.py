"""What the chart renders, carried out by the real runner: the prompt arrives, the status is right.

Needs the executable: `AGENT_RUNNER`, or what `cargo build` left in `target/`. CI builds it first, and there its
absence is a failure.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from chart import CASES, ROOT, at, env_of, merged, pod_of, render, run_values, spec_of, values_of
from test_failure_modes import HOSTILE


def executable():
    targets = [os.environ.get("CARGO_TARGET_DIR", ""), str(ROOT / "target")]
    for path in [os.environ.get("AGENT_RUNNER", "")] + [f"{target}/{kind}/agent-runner" for target in targets if target for kind in ("debug", "release")]:
        if path and Path(path).is_file():
            return path
    return None


RUNNER = executable()


@pytest.fixture(autouse=True)
def there_is_a_runner():
    if RUNNER is None:
        if os.environ.get("CI"):
            pytest.fail("no agent-runner: build it, or set AGENT_RUNNER")
        pytest.skip("no agent-runner: build it, or set AGENT_RUNNER")


def staged(rendered, directory):
    """The two files in a directory that stands for `/workspace`; gives the path of the spec."""
    data = next(it for it in rendered.all("ConfigMap") if it["metadata"]["name"].endswith("-spec"))["data"]
    (directory / "repo").mkdir(exist_ok=True)
    for name, text in data.items():
        (directory / name).write_text(text.replace('"/workspace', f'"{directory}'))
    return directory / "agent-runner.json"


def carried_out(rendered, directory, *arguments, **variables):
    """A run with the pod's variables, as far as a laptop can have them."""
    (directory / "home").mkdir(exist_ok=True)
    # What the cluster would fill in, and the places of a laptop.
    env = {name: value if isinstance(value, str) else f"value-of-{name}" for name, value in env_of(pod_of(rendered)).items()}
    for old, new in [("/workspace", directory), ("/home/agent", directory / "home"), ("/var/run/secrets", directory / "secrets"), ("$(AGENT_POD_NAME)", "pod-1")]:
        env = {name: value.replace(old, str(new)) for name, value in env.items()}
    for name in ["CODEX_AUTH", "VCS_SSH_KEY_PATH", "VCS_SSH_KNOWN_HOSTS_PATH"]:
        if name in env:
            Path(env[name]).parent.mkdir(parents=True, exist_ok=True)
            Path(env[name]).write_text('{"some": "content"}')
    env |= {"PATH": os.environ["PATH"], "TMPDIR": str(directory), "NATS_URL": ""} | variables
    spec = staged(rendered, directory)
    result = subprocess.run([RUNNER, *arguments, str(spec)], env=env, cwd=directory / "repo", capture_output=True, timeout=60)
    status = directory / ".agent/status.json"
    return result, json.loads(status.read_text()) if status.exists() else None


RUN_CASES = [case for case in CASES if values_of(case).get("oneShot", {}).get("enabled")]


@pytest.mark.parametrize("case", RUN_CASES)
def test_the_runner_finds_nothing_wrong_with_a_spec(case, tmp_path):
    spec = staged(render(values_of(case)), tmp_path)
    result = subprocess.run([RUNNER, "validate", str(spec)], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() == f"{spec}: ok"


@pytest.mark.parametrize("case", [case for case in RUN_CASES if "clickhouse" not in case])
def test_there_is_a_plan_without_warnings(case, tmp_path):
    # What EKS adds to a pod whose ServiceAccount has a role.
    role = {"AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")} if "irsa" in case else {}
    (tmp_path / "token").write_text("a-token-of-the-cluster")
    result, _ = carried_out(render(values_of(case)), tmp_path, "plan", "--output", "json", **role)
    assert result.returncode == 0, result.stderr.decode()
    plan = json.loads(result.stdout)
    assert plan["warnings"] == []
    seconds = merged({"oneShot": {"timeoutSeconds": 1500}}, values_of(case))["oneShot"]["timeoutSeconds"]
    assert plan["process"]["timeouts"]["total"] == seconds
    grace = merged({"oneShot": {"terminationGracePeriodSeconds": 120}}, values_of(case))["oneShot"]["terminationGracePeriodSeconds"]
    assert plan["grace"]["total"] == grace
    if values_of(case)["oneShot"].get("git"):
        assert plan["checkout"]["timeouts"]["total"] == 300


@pytest.mark.parametrize("agent", ["claude", "codex", "codex-exec"])
def test_silence_has_the_limit_of_the_provider(agent, tmp_path):
    values = run_values(at("oneShot", {"agent": agent, "credentials": {"apiKey": {"secretName": "s"}}}))
    result, _ = carried_out(render(values), tmp_path, "plan", "--output", "json")
    assert json.loads(result.stdout)["process"]["timeouts"]["idle"] == 15 * 60


def linux(tmp_path):
    """The scripted app server under the name that the definition has."""
    path = tmp_path / "agents-fake-codex-app-server"
    path.symlink_to(Path(RUNNER).resolve())
    return {"adapter": {"codex": {"binaryPath": str(path)}}}


def test_the_fake_agent_succeeds(tmp_path):
    rendered = render(run_values(at("oneShot", linux(tmp_path))))
    result, status = carried_out(rendered, tmp_path)
    assert (result.returncode, status["status"], status["outcome"]) == (0, "succeeded", "Completed"), result.stderr.decode()
    assert b"OK" in result.stdout


def script(tmp_path, text):
    path = tmp_path / "agent"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return {"adapter": {"exec": {"binary": str(path), "argsTemplate": []}}, "settings": {"protocol": "raw"}, "credentials": {"apiKey": {"secretName": "s"}}}


@pytest.mark.parametrize("prompt", HOSTILE)
def test_a_prompt_arrives_to_the_letter(prompt, tmp_path):
    rendered = render(run_values(at("oneShot", script(tmp_path, "cat")), at("oneShot", {"agent": "claude", "prompt": prompt})))
    result, status = carried_out(rendered, tmp_path, ANTHROPIC_API_KEY="sk-not-in-any-prompt")
    assert status["status"] == "succeeded"
    assert result.stdout.decode() == prompt
    assert not Path("/tmp/pwned").exists()


@pytest.mark.parametrize("prompt", HOSTILE)
def test_a_prompt_of_the_app_server_is_not_a_template(prompt, tmp_path):
    rendered = render(run_values(at("oneShot", {"agent": "codex", "prompt": prompt, "credentials": {"apiKey": {"secretName": "s"}}})))
    result, _ = carried_out(rendered, tmp_path, "plan", "--output", "json")
    assert json.loads(result.stdout)["process"]["prompt"] == prompt


def test_an_agent_that_fails_is_a_failure(tmp_path):
    rendered = render(run_values(at("oneShot", script(tmp_path, "echo all went well; exit 3")), at("oneShot.agent", "claude")))
    result, status = carried_out(rendered, tmp_path)
    assert (result.returncode, status["status"], status["exitCode"]) == (3, "failed", 3)


def test_an_agent_that_takes_too_long_ends_by_the_chart_s_timeout(tmp_path):
    rendered = render(run_values(at("oneShot", script(tmp_path, "sleep 60")), at("oneShot", {"agent": "claude", "timeoutSeconds": 1, "terminationGracePeriodSeconds": 10})))
    result, status = carried_out(rendered, tmp_path)
    assert (result.returncode, status["outcome"]) == (124, "Timeout")


def test_results_are_stored_below_the_pod_also_of_a_failure(tmp_path):
    store = {"storeResults": {"enabled": True, "s3Bucket": "results", "s3Endpoint": f"file://{tmp_path}/store"}}
    rendered = render(run_values(at("oneShot", script(tmp_path, "echo work > done.txt; exit 1")), at("oneShot", store), at("oneShot.agent", "claude")))
    result, status = carried_out(rendered, tmp_path, AGENT_RUN_NAME="job-1")
    assert (result.returncode, status["status"]) == (1, "failed")
    below = tmp_path / "store/results/agent-results/pod-1/job-1/1"
    assert {str(path.relative_to(below)) for path in below.rglob("*") if path.is_file()} == {"work/done.txt", "runner.log", "events.ndjson", "status.json", "manifest.json"}


def test_the_system_prompt_is_accepted_and_another_is_not(tmp_path):
    values = run_values(at("oneShot", script(tmp_path, "cat > /dev/null")), at("oneShot", {"agent": "claude", "systemPrompt": "Be \u00e9xact.\n"}))
    rendered = render(values)
    result, status = carried_out(rendered, tmp_path)
    assert status["status"] == "succeeded", result.stderr.decode()
    result, status = carried_out(rendered, tmp_path, CODEX_SYSTEM_PROMPT_EXPECTED_HASH="0" * 64)
    assert status["outcome"] == "PolicyRefused"
    assert spec_of(rendered)[1]["systemPrompt"] == "Be \u00e9xact.\n"
