"""Whatever the chart comes with renders, and the cluster takes it."""

import json
import re

import jsonschema
import kubernetes_validate
import pytest
import yaml

from chart import CASES, CHART, Refused, at, merged, render, values_file, values_of
from test_security import pods

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


# Names that Kubernetes and Helm allow, and that are something else to YAML if nobody quotes them.
SCALARS = ["2024", "1e5", "0x1f", "true", "on", "null", "0o17", "12345e67"]


def kubernetes_takes(found):
    if found["kind"] not in FOREIGN:
        kubernetes_validate.validate(found, VERSIONS[-1], strict=True)
    # The schemas leave maps of labels open in places.
    texts = [found["metadata"]["name"], found["metadata"].get("namespace", "")]
    for metadata in [found["metadata"], found.get("spec", {}).get("template", {}).get("metadata", {})] if "spec" in found else [found["metadata"]]:
        texts += [*metadata.get("labels", {}).values(), *metadata.get("annotations", {}).values()]
    selector = found.get("spec", {}).get("selector", {}) if found["kind"] != "VersionControlProvider" else {}
    texts += selector.get("matchLabels", {}).values() if "matchLabels" in selector or "matchExpressions" in selector else selector.values()
    assert all(isinstance(text, str) for text in texts if not isinstance(text, dict)), (found["kind"], texts)


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("case", ["ci/both-values.yaml", "ci/one-shot-git-values.yaml", "ci/one-shot-cronjob-values.yaml"])
def test_a_release_may_have_a_name_that_looks_like_something_else(case, name):
    # Names of Services begin with a letter: that is a rule.
    values = merged(values_of(case), {"nameOverride": name}, {"fullnameOverride": "x"} if name[0].isdigit() and "both" in case else {})
    rendered = render(values, name=name, namespace=name)
    for found in rendered.objects:
        kubernetes_takes(found)
        assert found["metadata"].get("namespace", name) == name
        if not found["metadata"]["name"].endswith(("-extra", "-extra-2")):
            assert found["metadata"]["labels"]["app.kubernetes.io/instance"] == name
            assert found["metadata"]["labels"]["app.kubernetes.io/name"] == name


def digits(values):
    """The same values with every name and key a number, each another."""
    numbers = iter(range(1000, 9999))

    def changed(node, path=""):
        if isinstance(node, dict):
            return {key: changed(value, f"{path}.{key}") for key, value in node.items()}
        if isinstance(node, str) and node and re.search(r"(\.name|\.key|Name|Key|ClassName|existingClaim)$", path) and not path.endswith(("fullnameOverride", "skillName", "envTemplate")):
            return str(next(numbers))
        return node

    return changed(values)


@pytest.mark.parametrize("case", CASES)
def test_names_and_keys_may_be_numbers(case):
    values = digits(merged(values_file("values.yaml"), values_of(case)))
    values = merged(values, {"rolloutChecksums": {"enabled": False}})
    rendered = render(values, namespace="123")
    for found in rendered.objects:
        kubernetes_takes(found)


def test_there_are_names_and_keys_that_are_numbers():
    """What the test above looks at: if nothing were a number any more, it would say nothing."""
    found = digits(merged(values_file("values.yaml"), values_of("ci/one-shot-git-values.yaml")))["oneShot"]
    for value in [found["git"]["sshKeySecret"]["name"], found["git"]["knownHostsConfigMap"]["key"], found["nats"]["userSecret"]["usernameKey"], found["workspace"]["existingClaim"]]:
        assert value.isdigit()


def test_names_fit_releases_with_dots_and_long_ones():
    """Services and pods of Jobs are names in DNS."""
    label = re.compile(r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")
    for name in ["a.b", "a.b.c-d.e", "x" * 32 + ".y" * 8, "x" * 33 + "." + "y" * 8, "x" * 32 + "-." + "y" * 9]:
        for case in ["defaults", "ci/both-values.yaml", "ci/one-shot-fake-values.yaml", "ci/one-shot-cronjob-values.yaml"]:
            for found in render(merged(values_of(case), {"fullnameOverride": ""}), name=name, namespace="n").objects:
                if not found["metadata"]["name"].endswith(("-extra", "-extra-2")) and not found["kind"].startswith("Cluster"):
                    assert label.match(found["metadata"]["name"]), found["metadata"]["name"]


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


def selectors_of_labels(value):
    """Every `labelSelector` below, with the keys whose values are the pod's own."""
    if isinstance(value, dict):
        if "labelSelector" in value:
            yield value["labelSelector"], value.get("matchLabelKeys", [])
        value = list(value.values())
    for each in value if isinstance(value, list) else []:
        yield from selectors_of_labels(each)


def test_what_spreads_pods_or_keeps_them_apart_finds_them():
    found = 0
    for case in CASES:
        for name, pod in pods(render(values_of(case))):
            labels = pod["metadata"]["labels"]
            # Without a selector a constraint counts nobody, and spreads nothing.
            assert all("labelSelector" in it for it in pod["spec"].get("topologySpreadConstraints", [])), (case, name)
            for key in ["affinity", "topologySpreadConstraints"]:
                for selector, keys in selectors_of_labels(pod["spec"].get(key)):
                    found += 1
                    assert set(selector) == {"matchLabels"} and selector["matchLabels"].items() <= labels.items(), (case, name)
                    assert set(keys) <= set(labels), (case, name)
    assert found >= 4


def test_every_pod_is_part_of_agents_and_no_selector_is():
    for case in CASES:
        rendered = render(values_of(case))
        for name, pod in pods(rendered):
            assert pod["metadata"]["labels"]["app.kubernetes.io/part-of"] == "agents", (case, name)
        for each in rendered.all("Deployment"):
            assert "app.kubernetes.io/part-of" not in each["spec"]["selector"]["matchLabels"]
        for each in rendered.all("Service"):
            assert "app.kubernetes.io/part-of" not in each["spec"]["selector"]


def test_deployments_of_production_are_spread_each_for_itself():
    rendered = render(values_of("values-prod.yaml"))
    for each in rendered.all("Deployment"):
        (constraint,) = each["spec"]["template"]["spec"]["topologySpreadConstraints"]
        counted = lambda pod: constraint["labelSelector"]["matchLabels"].items() <= pod.items() and all(pod.get(key) == each["spec"]["template"]["metadata"]["labels"][key] for key in constraint["matchLabelKeys"])
        assert [it["metadata"]["name"] for it in rendered.all("Deployment") if counted(it["spec"]["template"]["metadata"]["labels"])] == [each["metadata"]["name"]]


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
