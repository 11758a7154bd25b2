"""The real claude and codex of the images, in the pod of the chart, against a model that plays a script."""

import pytest

from chart import at, merged, render, run_values
from image import ANYBODY, name_of
from model import Model
from pod import Pod
from test_runs import GRACE, accepted

KEY = b"sk-not-a-real-key"
# One that codex offers its tools to in each request; to later ones it does so in another way.
MODEL = "gpt-5.5"
CASES = [("claude", "claude"), ("codex", "codex"), ("codex", "codex-exec"), ("agent", "claude"), ("agent", "codex")]


def provider_of(model):
    """What codex calls a provider: where its model is."""
    return {
        "name": "Scripted", "base_url": f"{model.url}/v1", "wire_api": "responses", "env_key": "CODEX_API_KEY",
        "request_max_retries": 1, "stream_max_retries": 1,
    }


def values_for(agent, model):
    """What a user would set whose model has another address."""
    common = {"agent": agent, "prompt": "Do the thing.", "credentials": {"apiKey": {"secretName": "key"}}}
    provider = provider_of(model)
    if agent == "claude":
        own = {"extraEnv": [{"name": "ANTHROPIC_BASE_URL", "value": model.url}]}
    elif agent == "codex":
        own = {"model": MODEL, "adapter": {"codex": {"threadConfig": {"model_provider": "scripted", "model_providers": {"scripted": provider}}}}}
    else:
        inline = ",".join(f'{key}="{value}"' if isinstance(value, str) else f"{key}={value}" for key, value in provider.items())
        own = {"model": MODEL, "extraArgs": ["-c", 'model_provider="scripted"', "-c", f"model_providers.scripted={{{inline}}}"]}
    return run_values(at("oneShot", merged(common, own)))


@pytest.mark.parametrize(("image", "agent"), CASES)
def test_an_agent_carries_a_command_out_and_says_what_it_did(image, agent, tmp_path):
    with Model("id -u > done.txt; id -g >> done.txt", "The thing is done.") as model:
        rendered = render(values_for(agent, model))
        pod = Pod(rendered, tmp_path, name_of(image), ANYBODY, {"key": {"api-key": KEY}}, network="host").start()
        code, said = pod.end(timeout=120)
    assert code == 0, said
    status = accepted(pod.message.read_bytes())
    assert status["usage"]["turns"] >= 1
    assert "The thing is done." in said
    assert (tmp_path / "volumes/work/done.txt").read_text().split() == ANYBODY.split(":")
    assert len([it for it in model.requests if it.get("tools")]) == 2
    assert KEY.decode() not in said


@pytest.mark.parametrize(("image", "agent"), CASES)
def test_term_ends_an_agent_at_work_within_its_grace(image, agent, tmp_path):
    with Model("sleep 987", "Never said.") as model:
        rendered = render(merged(values_for(agent, model), at("oneShot.terminationGracePeriodSeconds", GRACE)))
        pod = Pod(rendered, tmp_path, name_of(image), ANYBODY, {"key": {"api-key": KEY}}, network="host").start()
        pod.await_process("sleep 987")
        took = pod.stop()
        code, said = pod.end()
    assert code == 143, said
    assert took < GRACE
    accepted(pod.message.read_bytes(), "cancelled")
