"""`scripts/kind-e2e.sh` without a cluster: its tools are replaced by ones that only say how they were called."""

import os
import re
import subprocess

import pytest
import yaml

from chart import CHART, ROOT, merged, render, values_of
from test_security import pods

SCRIPT = CHART / "scripts/kind-e2e.sh"

# Says its arguments, keeps what is applied, and answers what the script waits for.
STUB = r"""#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$(basename "$0") $*" in
*"apply --filename -"*) { echo ---; cat; } >> "$APPLIED" ;;
*"kind get clusters"*) echo "$CLUSTERS" ;;
*"create namespace"*) echo "{apiVersion: v1, kind: Namespace, metadata: {name: x}}" ;;
*"terminated.message"*) echo "$MESSAGE" ;;
*"status.phase"*) echo "$PHASE" ;;
*"component=control-plane"*) echo agents ;;
esac
"""


@pytest.fixture
def stubs(tmp_path):
    for tool in ["kind", "kubectl", "helm", "docker"]:
        path = tmp_path / tool
        path.write_text(STUB)
        path.chmod(0o755)
    return tmp_path


def called(stubs, **variables):
    env = {
        "PATH": f"{stubs}:/usr/bin:/bin", "HOME": str(stubs), "CALLS": str(stubs / "calls"), "APPLIED": str(stubs / "applied"),
        "AGENT_RUNNER": "/bin/true", "CLUSTERS": "", "MESSAGE": '{"status":"succeeded"}', "PHASE": "Succeeded", **variables,
    }
    result = subprocess.run(["bash", str(SCRIPT)], env=env, capture_output=True, text=True, timeout=60)
    calls = (stubs / "calls").read_text().splitlines() if (stubs / "calls").exists() else []
    return result, calls


def index(calls, *words):
    return next(number for number, call in enumerate(calls) if all(word in call for word in words))


def test_everything_in_its_order(stubs):
    result, calls = called(stubs)
    assert result.returncode == 0, result.stderr
    order = [
        index(calls, "kind create cluster", "--name agents"),
        index(calls, "kubectl --context kind-agents create namespace agents"),
        index(calls, "docker build", "--file images/runner/Dockerfile", "localhost/agent-runner/runner:kind"),
        index(calls, "docker tag localhost/agent-runner/runner:kind agent-runner-local:kind"),
        index(calls, "kind load docker-image", "--name agents", "agent-runner-local:kind", "agents-control-plane-local:kind"),
        index(calls, "rollout status deployment/agents-postgres"),
        index(calls, "helm", "agents-run", "one-shot-fake-values.yaml"),
        index(calls, "wait job"),
        index(calls, "helm", "upgrade --install agents charts/agents", "values-kind.yaml"),
        index(calls, "apply --filename charts/agents/examples/agentprovider-smoke.yaml"),
        index(calls, "apply --filename charts/agents/examples/agentrun-workflow-smoke.yaml"),
        index(calls, "get agentruns.agents.proompteng.ai/workflow-smoke"),
    ]
    assert order == sorted(order)
    applied = [it for it in yaml.safe_load_all((stubs / "applied").read_text()) if it]
    secret = next(it for it in applied if it["metadata"]["name"] == "agents-db-app")
    assert secret["stringData"] == {"uri": "postgresql://agents:agents@agents-postgres:5432/agents"}


def test_every_variable_counts(stubs):
    values = str(CHART / "values-kind.yaml")
    result, calls = called(
        stubs, CLUSTER_NAME="c", NAMESPACE="n", POSTGRES_RELEASE="pg", POSTGRES_USER="u", POSTGRES_PASSWORD="p", POSTGRES_DB="d",
        CHART_PATH=str(CHART), VALUES_FILE=values, SECRET_NAME="s", SECRET_KEY="k", KUBECTL_CONTEXT="ctx", IMAGE_REPOSITORY="i",
        IMAGE_TAG="t", BUILD_IMAGE="0", CLUSTERS="c",
    )
    assert result.returncode == 0, result.stderr
    assert not [call for call in calls if "create cluster" in call or call.startswith("docker")]
    assert all("--context ctx" in call for call in calls if call.startswith("kubectl"))
    helm = calls[index(calls, "helm", "--values " + values)]
    for part in [str(CHART), "--namespace n", "image.repository=i", "image.tag=t", "database.secretRef.name=s", "database.secretRef.key=k", "controller.namespaces={n}", "--kube-context ctx"]:
        assert part in helm
    assert "i:t" in calls[index(calls, "kind load", "--name c")]
    assert "postgresql://u:p@pg:5432/d" in (stubs / "applied").read_text()


@pytest.mark.parametrize("trouble", [{"MESSAGE": '{"status":"failed"}'}, {"PHASE": "Failed"}, {"PHASE": "Running", "TIMEOUT_SECONDS": "1"}])
def test_trouble_fails_and_is_looked_into(stubs, trouble):
    result, calls = called(stubs, **trouble)
    assert result.returncode != 0
    assert any("describe pods" in call for call in calls)
    assert "error:" in result.stderr


def test_a_tool_that_is_missing_is_named(stubs):
    (stubs / "kind").unlink()
    result, calls = called(stubs)
    assert result.returncode != 0 and "kind is not installed" in result.stderr and not calls


def test_what_it_installs_renders():
    over = {"image": {"repository": "i", "tag": "t"}, "runner": {"image": {"repository": "r", "tag": "t", "pullPolicy": "Never"}}, "controller": {"namespaces": ["agents"]}, "database": {"secretRef": {"name": "s", "key": "k"}}}
    render(merged(values_of("values-kind.yaml"), over))
    render(merged(values_of("ci/one-shot-fake-values.yaml"), {"runner": over["runner"], "oneShot": {"runId": "1"}}), name="agents-run")
    for example in ["agentprovider-smoke", "agent-smoke", "implementationspec-smoke", "agentrun-workflow-smoke"]:
        assert (CHART / "examples" / f"{example}.yaml").exists()


def test_the_pods_that_it_asks_for_are_those_of_the_chart():
    labels = [pod["metadata"]["labels"] for values, name in [("values-kind.yaml", "agents"), ("ci/one-shot-fake-values.yaml", "agents-run")] for _, pod in pods(render(values_of(values), name=name))]
    asked = re.findall(r"(?:logs|get pods) .*?--selector \"?([^\s\"]+)", SCRIPT.read_text().replace("$RELEASE", "agents"))
    assert len(asked) == 3
    for selector in asked:
        wanted = [part.split("=") for part in selector.split(",")]
        assert any(all(key in each and (not value or each[key] == value[0]) for key, *value in wanted) for each in labels), selector
    # What is looked into when something failed is all of it.
    assert all(each["app.kubernetes.io/part-of"] == "agents" for each in labels) and "app.kubernetes.io/part-of=agents" in asked


def test_it_is_executable_and_from_anywhere():
    assert os.access(SCRIPT, os.X_OK)
    assert SCRIPT.resolve().parents[3] == ROOT
