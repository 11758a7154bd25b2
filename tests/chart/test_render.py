"""Whatever the chart comes with renders, and the cluster takes it."""

import json

import jsonschema
import kubernetes_validate
import pytest
import yaml

from chart import CASES, CHART, Refused, at, merged, render, values_of

# The oldest version that Chart.yaml names, and every one since that schemas are to be had for.
OLDEST = 27
NEWEST = int(kubernetes_validate.latest_version().split(".")[1])
VERSIONS = [f"1.{minor}" for minor in range(OLDEST, NEWEST + 1)]

# Kinds of others' definitions, which the schemas of Kubernetes do not have.
FOREIGN = {"ServiceMonitor", "VersionControlProvider"}


def test_the_oldest_version_is_the_one_that_the_chart_names():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">=1.{OLDEST}.0-0"


@pytest.mark.parametrize("case", CASES)
def test_lint_finds_nothing(case):
    import helm_python

    report = helm_python.lint(str(CHART), values_of(case), strict=True, kube_version=f"v1.{NEWEST}.0")
    # 1 is a hint: the chart has no icon.
    assert [it for it in report["messages"] or [] if it["severity"] > 1] == []


@pytest.mark.parametrize("case", CASES)
def test_every_values_file_renders_each_object_once(case):
    rendered = render(values_of(case))
    keys = [(it["apiVersion"], it["kind"], it["metadata"].get("namespace"), it["metadata"]["name"]) for it in rendered.objects]
    assert keys
    assert len(keys) == len(set(keys))
    assert rendered.notes.strip()


def test_notes_are_short():
    for case in CASES:
        assert len(render(values_of(case)).notes.splitlines()) < 25, case


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_object(version):
    seen = set()
    for case in CASES:
        for found in render(values_of(case)).objects:
            text = json.dumps(found, sort_keys=True)
            if found["kind"] in FOREIGN or text in seen:
                continue
            seen.add(text)
            try:
                kubernetes_validate.validate(found, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                raise AssertionError(f"{case}: {found['kind']} {found['metadata']['name']}: {error}") from error
    assert len(seen) > 100


def test_the_validator_would_object():
    deployment = render().one("Deployment")
    deployment["spec"]["replicas"] = "one"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)
    deployment["spec"]["replicas"] = 1
    deployment["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)


def test_the_version_control_provider_is_one_by_its_own_definition():
    crd = yaml.safe_load((CHART / "crds/agents.proompteng.ai_versioncontrolproviders.yaml").read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    closed = json.loads(json.dumps(schema), object_hook=_close)
    auths = [
        {"method": "token", "token": {"secretRef": {"name": "t"}, "type": "pat"}, "username": "u"},
        {"method": "app", "app": {"appId": "1", "installationId": "2", "privateKeySecretRef": {"name": "k"}, "tokenTtlSeconds": 600}},
        {"method": "ssh", "ssh": {"privateKeySecretRef": {"name": "k"}, "knownHostsConfigMapRef": {"name": "h"}}},
        {"method": "none"},
    ]
    for auth in auths:
        values = {"versionControlProvider": {"enabled": True, "auth": auth, "repositoryPolicy": {"deny": ["a/*"]}, "sshHost": "h", "sshUser": "u", "cloneProtocol": "ssh"}}
        found = render(values).one("VersionControlProvider")
        jsonschema.validate(found, closed)
        assert found["spec"]["auth"]["method"] == auth["method"]


def _close(schema):
    """Objects with properties take no others, where they do not say so themselves."""
    if "properties" in schema and isinstance(schema["properties"], dict) and schema.get("type") == "object":
        schema.setdefault("additionalProperties", bool(schema.get("x-kubernetes-preserve-unknown-fields")))
        if not {"spec", "kind"} <= set(schema["properties"]):
            return schema
        schema["properties"]["metadata"] = {"type": "object"}
    return schema


def test_names_fit_whatever_the_release_is_called():
    long = "a-release-with-a-name-of-fifty-three-characters-x-end"
    assert len(long) == 53
    for case in CASES:
        for found in render(merged(values_of(case), {"fullnameOverride": "", "nameOverride": ""}), name=long).objects:
            name = found["metadata"]["name"]
            if found["kind"] != "CustomResourceDefinition":
                assert len(name) <= (52 if found["kind"] == "CronJob" else 63), name
            for value in found["metadata"].get("labels", {}).values():
                assert len(str(value)) <= 63


def test_two_long_releases_have_different_names():
    first = render(name="a" * 45 + "-one")
    second = render(name="a" * 45 + "-two")
    assert first.one("Deployment")["metadata"]["name"] != second.one("Deployment")["metadata"]["name"]


@pytest.mark.parametrize("case", CASES)
def test_every_object_has_the_standard_labels(case):
    for found in render(values_of(case)).objects:
        if found["metadata"]["name"].endswith(("-extra", "-extra-2")):
            continue
        labels = found["metadata"]["labels"]
        for key in ["name", "instance", "version", "component", "part-of", "managed-by"]:
            assert labels.get(f"app.kubernetes.io/{key}"), (found["kind"], key)
        assert labels["helm.sh/chart"] == "agents-0.1.0"


@pytest.mark.parametrize("case", CASES)
def test_namespaced_objects_are_in_the_release_or_where_the_values_say(case):
    for found in render(values_of(case), namespace="release-ns").objects:
        if found["kind"] in {"ClusterRole", "ClusterRoleBinding", "Namespace", "CustomResourceDefinition"}:
            assert "namespace" not in found["metadata"]
        elif not found["metadata"]["name"].endswith(("-extra", "-extra-2")):
            assert found["metadata"]["namespace"] in {"release-ns", "agents-system", "monitoring", "agents", "team-a", "team-b"}


def test_names_can_be_said():
    assert render({"nameOverride": "x"}).one("Deployment")["metadata"]["name"] == "agents-x"
    assert render({"fullnameOverride": "y"}).one("Deployment")["metadata"]["name"] == "y"
    assert render(name="r").one("Deployment")["metadata"]["name"] == "r-agents"
    assert render(at("namespaceOverride", "other")).one("Deployment")["metadata"]["namespace"] == "other"


def test_common_labels_and_annotations_are_on_everything():
    rendered = render({"commonLabels": {"team": "a"}, "commonAnnotations": {"who": "b"}})
    for found in rendered.objects:
        assert found["metadata"]["labels"]["team"] == "a"
        assert found["metadata"]["annotations"]["who"] == "b"


def test_selectors_do_not_change_with_values_or_versions():
    plain = render()
    other = render({"commonLabels": {"team": "a"}, "podLabels": {"tier": "b"}, "image": {"tag": "9"}, "replicaCount": 3})
    assert plain.one("Deployment")["spec"]["selector"] == other.one("Deployment")["spec"]["selector"]
    # Written out: a selector can never be changed in a cluster.
    assert plain.one("Deployment")["spec"]["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": "agents",
        "app.kubernetes.io/instance": "agents",
        "app.kubernetes.io/component": "control-plane",
    }


def test_selectors_find_their_pods():
    for case in CASES:
        rendered = render(values_of(case))
        pods = {it["metadata"]["name"]: it["spec"]["template"]["metadata"]["labels"] for it in rendered.all("Deployment")}
        for found in rendered.all("Service") + rendered.all("PodDisruptionBudget"):
            selector = found["spec"]["selector"]
            selector = selector.get("matchLabels", selector)
            assert any(selector.items() <= labels.items() for labels in pods.values()), found["metadata"]["name"]
        for found in rendered.all("Deployment"):
            assert found["spec"]["selector"]["matchLabels"].items() <= pods[found["metadata"]["name"]].items()


def test_further_objects_are_rendered_as_templates():
    rendered = render({"extraObjects": [
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-a"}',
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-b"}},
    ]}, name="r")
    assert {"r-a", "r-b"} <= {it["metadata"]["name"] for it in rendered.all("ConfigMap")}


def test_a_chart_around_this_one_may_have_globals():
    render({"global": {"imageRegistry": "x"}})


def test_nothing_but_the_control_plane_is_installed_by_default():
    kinds = {it["kind"] for it in render().objects}
    assert kinds == {"Deployment", "Service", "ServiceAccount", "Role", "RoleBinding", "ConfigMap", "NetworkPolicy"}


def test_no_values_file_makes_what_the_chart_leaves_to_others():
    for case in CASES:
        kinds = {it["kind"] for it in render(values_of(case)).objects}
        assert not kinds & {"Ingress", "StatefulSet", "PersistentVolumeClaim", "DaemonSet"}, case


def test_the_engine_refuses_what_is_wrong():
    with pytest.raises(Refused):
        render({"replicaCount": "one"})
