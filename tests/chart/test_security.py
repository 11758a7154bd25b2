"""What is on by default is the safe side, and stays there."""

import pytest

from chart import CASES, container, merged, pod_of, render, run_values, values_of

SPLIT = {"controllers": {"enabled": True}}
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def pods(rendered):
    """Every pod of a rendering: where it is from, and the pod."""
    for found in rendered.objects:
        if found["kind"] in {"Deployment", "Job"}:
            yield found["metadata"]["name"], found["spec"]["template"]
        if found["kind"] == "CronJob":
            yield found["metadata"]["name"], found["spec"]["jobTemplate"]["spec"]["template"]
        if found["kind"] == "Pod":
            yield found["metadata"]["name"], found


def violations(pod):
    """What the policy `restricted` of Pod Security would say of a pod."""
    spec = pod["spec"]
    whole = spec.get("securityContext", {})
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    for volume in spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        if not kinds <= VOLUMES:
            found.append(f"volume {volume['name']}: {kinds}")
    for each in spec["containers"] + spec.get("initContainers", []):
        own = each.get("securityContext", {})
        if not own.get("runAsNonRoot", whole.get("runAsNonRoot")):
            found.append("runAsNonRoot")
        if own.get("runAsUser", whole.get("runAsUser", 1)) == 0:
            found.append("runAsUser")
        if own.get("seccompProfile", whole.get("seccompProfile", {})).get("type") != "RuntimeDefault":
            found.append("seccompProfile")
        if own.get("allowPrivilegeEscalation") is not False:
            found.append("allowPrivilegeEscalation")
        if own.get("capabilities", {}) != {"drop": ["ALL"]}:
            found.append("capabilities")
        if own.get("privileged"):
            found.append("privileged")
        # More than the policy asks for.
        if own.get("readOnlyRootFilesystem") is not True:
            found.append("readOnlyRootFilesystem")
    return found


@pytest.mark.parametrize("case", CASES)
def test_every_pod_is_restricted(case):
    found = list(pods(render(values_of(case))))
    assert found
    for name, pod in found:
        assert violations(pod) == [], name


def test_the_policy_would_object():
    pod = pod_of(render(run_values()))
    del container(pod)["securityContext"]["capabilities"]
    pod["spec"]["securityContext"]["runAsUser"] = 0
    assert violations(pod) == ["runAsUser", "capabilities"]


@pytest.mark.parametrize("case", CASES)
def test_every_container_has_requests_and_limits(case):
    for name, pod in pods(render(values_of(case))):
        for each in pod["spec"]["containers"]:
            for side in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(each["resources"][side]), (name, side)


@pytest.mark.parametrize("case", CASES)
def test_runs_never_get_a_token(case):
    rendered = render(values_of(case))
    for found in rendered.all("Job") + rendered.all("CronJob") + rendered.all("Pod"):
        pod = next(pod for name, pod in pods(rendered) if name == found["metadata"]["name"])
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["enableServiceLinks"] is False
    for found in rendered.all("ServiceAccount"):
        wanted = found["metadata"]["name"].endswith("-runner") and values_of(case).get("runnerServiceAccount", {}).get("rbac", {}).get("create", False)
        assert found["automountServiceAccountToken"] is wanted


@pytest.mark.parametrize("case", CASES)
def test_no_image_is_the_latest(case):
    for name, pod in pods(render(values_of(case))):
        for each in pod["spec"]["containers"]:
            image = each["image"].split("/")[-1]
            assert ":" in image and not image.endswith(":latest"), (name, image)


@pytest.mark.parametrize("case", CASES)
def test_every_deployment_has_probes_and_a_grace(case):
    for found in render(values_of(case)).all("Deployment"):
        each = container(found["spec"]["template"])
        assert each["livenessProbe"]["httpGet"] and each["readinessProbe"]["httpGet"]
        assert found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 0


@pytest.mark.parametrize("case", CASES)
def test_no_secret_is_outside_of_a_secret(case):
    """Passwords of the values files are easy to find: no object but Secrets may have them."""
    rendered = render(values_of(case))
    for found in rendered.objects:
        if found["kind"] == "Secret":
            continue
        text = str(found)
        for secret in ["CHANGE_ME", "wJalrXUtnFEMI", "AKIAIOSFODNN7EXAMPLE", "p<a>s", "placeholder"]:
            assert secret not in text, (found["kind"], secret)


def test_runner_pods_are_closed_by_default():
    policy = render(run_values()).one("NetworkPolicy")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy["spec"]
    blocks = [block["ipBlock"] for rule in policy["spec"]["egress"] for block in rule.get("to", []) if "ipBlock" in block]
    assert {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]} in blocks
    assert {"cidr": "::/0", "except": ["fd00:ec2::254/128"]} in blocks


BOTH = {"controlPlane": {"enabled": True}}


def selected(policy, pod):
    """Whether a policy is for a pod."""
    selector, labels = policy["spec"]["podSelector"], pod["metadata"]["labels"]
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    assert all(it["operator"] == "Exists" for it in selector.get("matchExpressions", []))
    return selector.get("matchLabels", {}).items() <= labels.items() and all(it["key"] in labels for it in selector.get("matchExpressions", []))


def test_the_policy_of_the_control_plane_is_for_all_runs():
    for values in [{}, run_values(BOTH)]:
        policy = render(values).one("NetworkPolicy", "agents-runner")
        assert policy["spec"]["podSelector"] == {"matchExpressions": [{"key": "agents.proompteng.ai/agent-run", "operator": "Exists"}]}
        assert selected(policy, pod_of(render(run_values(), name="other")))
        for found in render(SPLIT).all("Deployment"):
            assert not selected(policy, found["spec"]["template"])


def test_the_policy_of_a_run_is_for_that_run_alone():
    """Policies add up: one that selected others' runs would open its own ports to them."""
    rendered = render(run_values())
    policy = rendered.one("NetworkPolicy")
    assert selected(policy, pod_of(rendered))
    assert not selected(policy, pod_of(render(run_values(), name="other")))
    for found in render(SPLIT).all("Deployment"):
        assert not selected(policy, found["spec"]["template"])


def test_ports_of_a_run_are_not_those_of_a_controller_s():
    nats = {"oneShot": {"nats": {"url": "nats://a:4333"}}}
    rendered = render(run_values(BOTH, nats))
    own = rendered.one("NetworkPolicy", "agents-run")
    assert selected(own, pod_of(rendered)) and not selected(own, pod_of(render(run_values(), name="other")))
    assert own["spec"]["policyTypes"] == ["Egress"] and ports(rendered, "agents-run") == [4333]
    assert ports(rendered, "agents-runner") == [22, 443, 4222]
    # Nothing of its own, no policy of its own; and one policy is enough for one run.
    assert [it["metadata"]["name"] for it in render(run_values(BOTH)).all("NetworkPolicy")] == ["agents-runner"]
    assert [it["metadata"]["name"] for it in render(run_values(nats)).all("NetworkPolicy")] == ["agents-runner"]


def test_name_servers_can_be_reached_behind_their_service():
    """OpenShift's listen on 5353, and its network looks at packets after the Service's address is replaced."""
    wanted = [{"protocol": protocol, "port": port} for port in (53, 5353) for protocol in ("UDP", "TCP")]
    assert render(run_values()).one("NetworkPolicy")["spec"]["egress"][0] == {"ports": wanted}
    production = render(values_of("values-prod.yaml")).one("NetworkPolicy", "agents")["spec"]["egress"]
    assert {"ports": wanted} in production


def test_pods_of_the_cluster_can_be_reached_where_no_block_has_them():
    """To Cilium no pod is part of an `ipBlock`: servers in the cluster need a rule for pods."""
    for values, name in [(run_values(), "agents-runner"), ({}, "agents-runner"), (run_values(BOTH, {"oneShot": {"nats": {"url": "nats://a:4333"}}}), "agents-run")]:
        peers = lambda more: [peer for rule in render(merged(values, more)).one("NetworkPolicy", name)["spec"]["egress"] for peer in rule.get("to", [])]
        assert {"namespaceSelector": {}} in peers({})
        assert {"namespaceSelector": {}} not in peers({"runner": {"networkPolicy": {"clusterPods": False}}})


def ports(rendered, name=None):
    rule = [rule for rule in rendered.one("NetworkPolicy", name)["spec"]["egress"] if rule.get("to")][0]
    return [port["port"] for port in rule["ports"]]


def test_the_policy_has_the_ports_that_the_values_name():
    assert ports(render(run_values())) == [22, 443, 4222]
    assert 9440 in ports(render(run_values({"oneShot": {"clickhouse": {"enabled": True}}})))
    assert 4333 in ports(render(run_values({"oneShot": {"nats": {"url": "nats://a:4333,nats://b:4222"}}})))
    store = {"oneShot": {"storeResults": {"enabled": True, "s3Bucket": "b", "existingSecret": {"name": "s"}}}}
    assert 9000 in ports(render(run_values(store, {"oneShot": {"storeResults": {"s3Endpoint": "http://minio:9000"}}})))
    assert 80 in ports(render(run_values(store, {"oneShot": {"storeResults": {"s3Endpoint": "http://minio"}}})))
    assert ports(render(run_values({"runner": {"networkPolicy": {"egressPorts": [443]}}}))) == [443]
    git = lambda url: ports(render(run_values({"oneShot": {"git": {"url": url}}})))
    assert git("git://h/r.git") == git("git://[::1]/r.git") == git("git://h:9418/r.git") == [22, 443, 4222, 9418]
    assert git("git://h:9419/r.git") == [22, 443, 4222, 9419]
    assert git("https://h/r.git") == git("git@h:a/b.git") == [22, 443, 4222]


def test_the_policy_is_in_every_namespace_that_has_runs():
    values = {"rbac": {"clusterScoped": True}, "controller": {"namespaces": ["a", "b"]}}
    assert {it["metadata"]["namespace"] for it in render(values).all("NetworkPolicy")} == {"agents", "a", "b"}
    everywhere = render(merged(values, {"controller": {"namespaces": ["*"]}}))
    assert {it["metadata"]["namespace"] for it in everywhere.all("NetworkPolicy")} == {"agents"}
    assert "NetworkPolicy for runner pods" in everywhere.notes


def test_the_policy_can_be_changed_and_left_out():
    values = run_values({"runner": {"networkPolicy": {"ingress": [{"from": []}], "extraEgress": [{"to": [{"podSelector": {}}]}], "exceptCIDRs": []}}})
    spec = render(values).one("NetworkPolicy")["spec"]
    assert spec["ingress"] == [{"from": []}]
    assert {"to": [{"podSelector": {}}]} in spec["egress"]
    assert {"ipBlock": {"cidr": "::/0"}} in spec["egress"][1]["to"]
    nothing = render(run_values({"runner": {"networkPolicy": {"egressPorts": []}}})).one("NetworkPolicy")["spec"]
    assert [rule.get("to") for rule in nothing["egress"]] == [None]
    assert render(run_values({"runner": {"networkPolicy": {"enabled": False}}})).all("NetworkPolicy") == []


def test_a_cluster_may_choose_the_user():
    values = run_values({"oneShot": {"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}}})
    assert pod_of(render(values))["spec"]["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_the_pod_of_a_run_has_room_to_write():
    pod = pod_of(render(run_values()))
    mounts = {it["mountPath"]: it["name"] for it in container(pod)["volumeMounts"]}
    volumes = {it["name"]: it for it in pod["spec"]["volumes"]}
    for path in ["/workspace", "/workspace/.agent", "/workspace/repo", "/home/agent", "/tmp"]:
        assert "emptyDir" in volumes[mounts[path]], path
    assert volumes[mounts["/workspace/repo"]]["emptyDir"] == {"sizeLimit": "10Gi"}
