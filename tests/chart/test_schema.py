"""The schema refuses typos and wrong types by the name of the key, and nothing that is right."""

import json

import jsonschema
import pytest
import yaml

from chart import CHART, Refused, at, merged, render, run_values, values_file
from generate import leaves, read_values

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = read_values((CHART / "values.yaml").read_text())


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_defaults_are_valid():
    jsonschema.validate(values_file("values.yaml"), SCHEMA)


def maps(values):
    for value in values:
        if value.children:
            yield value
            yield from maps(value.children)


@pytest.mark.parametrize("path", [""] + [value.name for value in maps(VALUES)])
def test_a_typo_is_refused_by_name_wherever_the_tree_is_ours(path):
    with pytest.raises(Refused, match="'?tpyo'?"):
        render(at(f"{path}.tpyo" if path else "tpyo", 1))


WRONG = {str: {"a": 1}, int: "many", bool: "perhaps", list: "none", dict: "none"}


@pytest.mark.parametrize("value", list(leaves(VALUES)), ids=lambda value: value.name)
def test_a_wrong_type_is_refused_by_name(value):
    wrong = WRONG[type(value.default)] if value.default is not None else {"a": 1}
    if "enum" in value.schema:
        wrong = "something else"
    with pytest.raises(Refused) as refused:
        render(at(value.name, wrong))
    assert "/".join(value.path) in str(refused.value)


LISTS = [
    ("extraVolumes", [{"name": "a", "configMap": {"name": "b"}}], [{"name": "a", "volume": {"configMap": {"name": "b"}}}]),
    ("extraVolumes", [{"name": "A_B", "volume": {"emptyDir": {}}}], [{"name": "a-b", "volume": {"emptyDir": {}}}]),
    ("extraVolumeMounts", [{"name": "a", "mountPath": "relative"}], []),
    ("extraVolumeMounts", [{"name": "a", "mountPath": "/a", "readonly": True}], []),
    ("env.secrets", [{"name": "A"}], [{"name": "A", "secretName": "s"}]),
    ("env.config", [{"name": "A", "configMap": "s"}], [{"name": "A", "configMapName": "s"}]),
    ("env.vars", {"A": {"b": 1}}, {"A": 1}),
    ("env.vars", {"A": None}, {"A": ""}),
    ("envFromSecretRefs", [{"secret": "s"}], [{"name": "s", "keys": ["A"]}]),
    ("rolloutChecksums.secrets", [{"name": "a", "checksum": "abc"}], [{"name": "a", "checksum": "0" * 64}]),
    ("oneShot.inputFiles", [{"path": "relative", "content": "x"}], [{"path": "/x", "content": "x"}]),
    ("oneShot.outputArtifacts", [{"name": "x"}], [{"name": "x", "path": "y"}]),
    ("oneShot.outputArtifacts", [{"name": "x", "key": "y"}], [{"name": "x", "url": "https://example.com/y"}]),
    ("oneShot.parameters", {"a": 1}, {"a": "1"}),
    ("oneShot.storeResults.include", ["everything"], ["log"]),
    ("image.digest", "sha256:abc", "sha256:" + "0" * 64),
    ("service.port", 0, 65535),
    ("service.type", "ExternalName", "ClusterIP"),
    ("resources", {"limit": {}}, {"limits": {"cpu": "1"}}),
    ("controllers.livenessProbe", {"url": "/x"}, {"path": "/x"}),
    ("controllers.image", {"repo": "x"}, {"repository": "x"}),
    ("podDisruptionBudget.minAvailable", "half", "50%"),
    ("controller.agentRunArtifacts.max", 51, 50),
    ("workflowRuntime", {"nativ": {}}, {"native": {"rerunOrchestration": "x"}}),
    ("oneShot.terminationGracePeriodSeconds", 5, 10),
    ("oneShot.timeoutSeconds", 0, 1),
    ("oneShot.git.timeoutSeconds", 0, 1),
    ("oneShot.storeResults.timeoutSeconds", 0, 1),
    ("nameOverride", "My_X", "my-x"),
    ("nameOverride", "a.b", "a-b"),
    ("fullnameOverride", "-x", "x"),
    ("fullnameOverride", "x-", "x" * 63),
    ("fullnameOverride", "x" * 64, ""),
    ("oneShot.schedule", "nonsense", "0 3 * * *"),
    ("oneShot.schedule", "* * * *", "*/5 0-6,22 ? JAN-MAR mon,FRI"),
    ("oneShot.schedule", "* * * * * *", "  ".join("12345")),
    ("oneShot.schedule", "@never", "@daily"),
    ("oneShot.schedule", "TZ=UTC 0 3 * * *", "@every 1h30m"),
    ("controller.authSecret.mountPath", "relative", "/home/agent/.codex/"),
    ("controller.authSecret.mountPath", "/a/../b", "/a/..b"),
    ("commonLabels", {"a": "two words"}, {"a": "two_words"}),
    ("commonLabels", {"a": "x" * 64}, {"a": "x" * 63}),
    ("commonLabels", {"a b": "x"}, {"example.com/a_b": ""}),
    *[(path, {"team": "-x"}, {"team": "x"}) for path in [
        "podLabels", "oneShot.podLabels", "nodeSelector", "oneShot.nodeSelector", "controller.defaultWorkload.nodeSelector", "service.labels",
        "metrics.service.labels", "metrics.serviceMonitor.labels", "metrics.dashboards.labels", "podSecurityAdmission.labels", "resourceQuota.labels", "limitRange.labels",
    ]],
    *[("oneShot.inputFiles", [{"path": wrong, "content": "x"}], [{"path": right, "content": "x"}]) for wrong, right in [
        ("/workspace/../etc/passwd", "/workspace/..etc/passwd"), ("/workspace/a/", "/workspace/a"), ("/workspace//a", "/workspace/a/.b"), ("/a:b", "/a b"), ("/a/./b", "/a/.../b"), ("/", "/a"), ("/a/..", "/a/..."),
    ]],
    *[("oneShot.extraVolumeMounts", [{"name": "x", "mountPath": wrong}], [{"name": "x", "mountPath": right}]) for wrong, right in [
        ("/", "/a"), ("/workspace//repo", "/workspace/x/"), ("/a:b", "/a-b"), ("/a/../b", "/a/b.."), ("/a/.", "/a/.b"),
    ]],
]


@pytest.mark.parametrize("path", [value.name for value in leaves(VALUES) if value.path[-1].lower().endswith(("labels", "nodeselector")) and isinstance(value.default, dict)])
def test_labels_are_looked_at_wherever_there_are_any(path):
    if path == "controller.admissionPolicy.labels":
        return
    with pytest.raises(Refused, match=path.replace(".", "/")):
        render(at(path, {"team": "two words"}))


@pytest.mark.parametrize("path,wrong,right", LISTS, ids=[f"{n}-{row[0]}" for n, row in enumerate(LISTS)])
def test_what_is_inside_is_looked_at_too(path, wrong, right):
    with pytest.raises(Refused) as refused:
        render(at(path, wrong))
    assert path.replace(".", "/") in str(refused.value)
    jsonschema.validate(merged(values_file("values.yaml"), at(path, right)), SCHEMA)


def test_agents_are_the_definitions_that_there_are():
    agents = {path.stem for path in (CHART / "files/providers").glob("*.yaml")}
    assert set(SCHEMA["properties"]["oneShot"]["properties"]["agent"]["enum"]) == agents
    for agent in agents:
        render(run_values(at("oneShot", {"agent": agent, "credentials": {"apiKey": {"secretName": "s"}}})))
        assert yaml.safe_load((CHART / "files/providers" / f"{agent}.yaml").read_text())["metadata"]["name"] == agent


def test_every_value_has_a_sentence():
    for value in leaves(VALUES):
        assert value.text.endswith("."), value.name
        assert value.section, value.name
