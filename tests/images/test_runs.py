"""Runs in the images, as any user of group 0, without any right that a restricted pod has not."""

import hashlib
import json
import os
import re
import signal
import subprocess
import time
from functools import cache

import jsonschema
import pytest

from chart import at, merged, render, run_values
from image import ANYBODY, FAKE, IMAGES, PREFIX, RESTRICTED, RUNNER, SMOKE, VERSION, copied, name_of, podman
from pod import Pod, await_process
from test_dockerfiles import locked


@pytest.fixture(params=IMAGES)
def image(request):
    return request.param


@cache
def schema_of_statuses():
    return json.loads(podman("run", "--rm", *RESTRICTED, name_of("runner"), "schema", "status").stdout)


def accepted(text, verdict="succeeded"):
    """A status as a controller reads it: short enough for the kubelet, with what it looks for."""
    assert len(text) <= 4096
    status = json.loads(text)
    jsonschema.validate(status, schema_of_statuses())
    assert {"provider", "adapter", "exitCode", "status", "startedAt", "finishedAt", "artifacts"} <= set(status)
    assert status["status"] == verdict, status
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", status["finishedAt"])
    assert {"statusPath", "logPath"} <= set(status["artifacts"])
    return status


def test_it_says_its_version(image):
    result = podman("run", "--rm", *RESTRICTED, name_of(image), "--version")
    assert result.stdout == f"agent-runner {VERSION}\n"


@pytest.mark.parametrize("user", [ANYBODY, "10001:0"])
def test_the_pod_of_the_chart_succeeds(image, user, tmp_path):
    pod = Pod(render(run_values()), tmp_path, name_of(image), user).start()
    code, said = pod.end()
    assert code == 0, said
    status = accepted(pod.message.read_bytes())
    assert (status["exitCode"], status["adapter"]) == (0, "codex-app-server")
    assert "OK" in said


def test_a_pod_without_volumes_succeeds(image):
    # As a controller makes it: nothing is mounted at /workspace, and the root is not read-only.
    name = f"agent-runner-test-bare-{image}-{os.getpid()}"
    restricted = [it for it in RESTRICTED if not it.startswith("--read-only")]
    try:
        result = podman("run", "--name", name, *restricted, "--env", "CODEX_HOME=/root/.codex", name_of(image), SMOKE, check=False)
        assert result.returncode == 0, result.stderr
        accepted(copied(name, "/workspace/.agent/status.json"))
    finally:
        podman("rm", "--force", "--ignore", name)


GRACE = 20


def endless(directory):
    """A run of a program that is in every image, and ends when its stdin does: as in a ConfigMap."""
    state = directory / "state"
    state.mkdir()
    state.chmod(0o777)
    config = directory / "config"
    (config / "..data").mkdir(parents=True)
    spec = {
        "schemaVersion": "agents.proompteng.ai/runner/v1", "provider": "endless", "inputs": {},
        "artifacts": {"statusPath": "/state/status.json", "logPath": "/state/runner.log"},
        "adapter": {"type": "exec", "exec": {"binary": FAKE}},
    }
    (config / "..data/agent-runner.json").write_text(json.dumps(spec))
    (config / "agent-runner.json").symlink_to("..data/agent-runner.json")
    return ["--volume", f"{config}:/config:ro", "--volume", f"{state}:/state", "--tmpfs", "/tmp:mode=1777"], state / "status.json"


def test_term_ends_a_run_within_its_grace(image, tmp_path):
    mounts, message = endless(tmp_path)
    name = f"agent-runner-test-term-{image}-{os.getpid()}"
    command = ["podman", "run", "--rm", "--interactive", "--name", name, *RESTRICTED, *mounts]
    command += ["--env", f"AGENT_RUNNER_TERMINATION_GRACE_SECONDS={GRACE}", name_of(image), "/config/agent-runner.json"]
    run = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        await_process(name, "agents-fake-codex-app-server")
        begun = time.monotonic()
        podman("stop", "--time", GRACE, name)
        took = time.monotonic() - begun
        assert run.wait(timeout=30) == 128 + signal.SIGTERM
    finally:
        podman("rm", "--force", "--time", 0, "--ignore", name)
        run.stdin.close()
        run.stdout.close()
    assert took < GRACE / 2
    accepted(message.read_bytes(), "cancelled")


def test_term_ends_a_pod_of_the_chart_whose_agent_does_not_listen(tmp_path):
    script = 'trap "" TERM INT; while :; do sleep 1; done'
    adapter = {"exec": {"binary": "/bin/sh", "argsTemplate": ["-c", script]}}
    stubborn = {"agent": "claude", "adapter": adapter, "settings": {"protocol": "raw"}, "terminationGracePeriodSeconds": GRACE}
    values = run_values(at("oneShot", stubborn), at("oneShot.credentials.apiKey.secretName", "anthropic"))
    secrets = {"anthropic": {"api-key": b"sk-not-a-real-key"}}
    pod = Pod(render(values), tmp_path, name_of("agent"), ANYBODY, secrets).start()
    pod.await_process("trap")
    took = pod.stop()
    code, said = pod.end()
    assert code == 143, said
    assert took < GRACE
    accepted(pod.message.read_bytes(), "cancelled")


def test_a_failure_of_the_agent_is_the_exit_code_of_the_container(tmp_path):
    adapter = {"exec": {"binary": "/bin/sh", "argsTemplate": ["-c", "exit 3"]}}
    values = run_values(at("oneShot", {"agent": "claude", "adapter": adapter, "settings": {"protocol": "raw"}}))
    values = merged(values, at("oneShot.credentials.apiKey.secretName", "anthropic"))
    pod = Pod(render(values), tmp_path, name_of("agent"), ANYBODY, {"anthropic": {"api-key": b"sk-not-a-real-key"}}).start()
    code, said = pod.end()
    assert code == 3, said
    assert accepted(pod.message.read_bytes(), "failed")["exitCode"] == 3


def version_of(image, program):
    return podman("run", "--rm", *RESTRICTED, "--tmpfs", "/tmp:mode=1777", "--tmpfs", "/home/agent:mode=0777", "--entrypoint", program, name_of(image), "--version").stdout


@pytest.mark.parametrize("image", ["claude", "agent"])
def test_claude_is_the_pinned_one(image):
    assert locked("@anthropic-ai/claude-code-linux-x64")[0] in version_of(image, "/usr/local/bin/claude")


@pytest.mark.parametrize("image", ["codex", "agent"])
def test_codex_is_the_pinned_one(image):
    assert locked("codex-linux-x64")[0].removesuffix("-linux-x64") in version_of(image, "/usr/local/bin/codex")


@pytest.mark.parametrize("program", ["git", "gh", "rg", "jq", "curl", "python3", "patch"])
def test_the_agent_s_tools_work_for_anybody(program):
    assert version_of("agent", program)


def test_install_gives_the_runner_to_another_image(tmp_path):
    tmp_path.chmod(0o777)
    shared = ["--volume", f"{tmp_path}:/shared"]
    result = podman("run", "--rm", *RESTRICTED, *shared, name_of("runner"), "install", "/shared/bin")
    assert result.stdout == "/shared/bin/agent-runner\n"
    installed = tmp_path / "bin/agent-runner"
    assert installed.stat().st_mode & 0o7777 == 0o755
    base = os.environ.get("BASE", f"{PREFIX}/base:bookworm")
    result = podman("run", "--rm", *RESTRICTED, "--user", "12345:12345", *shared, "--entrypoint", "/shared/bin/agent-runner", base, "--version")
    assert result.stdout == f"agent-runner {VERSION}\n"
    digests = {
        hashlib.sha256(installed.read_bytes()).hexdigest(),
        podman("run", "--rm", "--entrypoint", "sha256sum", name_of("agent"), RUNNER).stdout.split()[0],
    }
    assert len(digests) == 1


def test_install_into_what_cannot_be_written_says_what_to_do(tmp_path):
    tmp_path.chmod(0o755)
    result = podman("run", "--rm", *RESTRICTED, "--volume", f"{tmp_path}:/shared", name_of("runner"), "install", "/shared", check=False)
    assert result.returncode == 74
    assert "mount a volume there that the container's user may write to" in result.stderr


CUSTOM = """
ARG BASE
ARG RUNNER
FROM ${RUNNER} AS runner
FROM ${BASE}
COPY --from=runner /usr/local/bin/agent-runner /usr/local/bin/agent-runner
COPY --from=runner /usr/local/share/agent-runner /usr/local/share/agent-runner
RUN mkdir -p /home/agent/.claude/skills && echo mine > /home/agent/.claude/skills/mine && /usr/local/share/agent-runner/prepare
ENV HOME=/home/agent
USER 10001:0
WORKDIR /workspace
ENTRYPOINT ["/usr/local/bin/agent-runner"]
"""


def test_an_image_of_one_s_own_is_made_as_the_contract_says(tmp_path):
    (tmp_path / "Dockerfile").write_text(CUSTOM)
    (tmp_path / "pod").mkdir()
    name = f"{PREFIX}/test-custom:{os.getpid()}"
    base = os.environ.get("BASE", f"{PREFIX}/base:bookworm")
    podman("build", "--quiet", "--tag", name, "--build-arg", f"BASE={base}", "--build-arg", f"RUNNER={name_of('runner')}", tmp_path)
    try:
        pod = Pod(render(run_values()), tmp_path / "pod", name, ANYBODY).start()
        code, said = pod.end()
        assert code == 0, said
        accepted(pod.message.read_bytes())
        mine = podman("run", "--rm", *RESTRICTED, "--entrypoint", "cat", name, "/home/agent/.claude/skills/mine").stdout
        assert mine == "mine\n"
    finally:
        podman("rmi", "--force", name)


def test_prepare_refuses_an_image_without_the_runner(tmp_path):
    (tmp_path / "Dockerfile").write_text(CUSTOM.replace("COPY --from=runner /usr/local/bin/agent-runner /usr/local/bin/agent-runner\n", ""))
    base = os.environ.get("BASE", f"{PREFIX}/base:bookworm")
    result = podman("build", "--build-arg", f"BASE={base}", "--build-arg", f"RUNNER={name_of('runner')}", tmp_path, check=False)
    assert result.returncode != 0
    assert "copy it first" in result.stderr + result.stdout
