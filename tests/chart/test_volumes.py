"""The contract of extra volumes: what is added where, and what is refused at render."""

import pytest

from chart import Refused, container, merged, pod_of, render, run_values

VOLUME = {"name": "ca", "volume": {"configMap": {"name": "ca-bundle"}}}
MOUNT = {"name": "ca", "mountPath": "/etc/ssl/own", "subPath": "ca.crt", "readOnly": True}
OWN = {"name": "own", "volume": {"secret": {"secretName": "s", "defaultMode": 256}}}
OWN_MOUNT = {"name": "own", "mountPath": "/own"}


def pods(values):
    rendered = render(merged({"controllers": {"enabled": True}}, values))
    return [it["spec"]["template"] for it in sorted(rendered.all("Deployment"), key=lambda it: it["metadata"]["name"])]


def names(pod):
    return [it["name"] for it in pod["spec"]["volumes"]]


def test_common_volumes_are_in_both_deployments():
    for pod in pods({"extraVolumes": [VOLUME], "extraVolumeMounts": [MOUNT]}):
        assert {"name": "ca", "configMap": {"name": "ca-bundle"}} in pod["spec"]["volumes"]
        # Every field of the mount counts.
        assert MOUNT in container(pod)["volumeMounts"]


def test_a_component_s_volumes_are_its_own():
    plane, controllers = pods({"controlPlane": {"extraVolumes": [OWN], "extraVolumeMounts": [OWN_MOUNT]}})
    assert "own" in names(plane) and OWN_MOUNT in container(plane)["volumeMounts"]
    assert "own" not in names(controllers)
    plane, controllers = pods({"controllers": {"extraVolumes": [OWN], "extraVolumeMounts": [OWN_MOUNT]}})
    assert "own" in names(controllers) and "own" not in names(plane)


def test_a_component_may_mount_a_common_volume():
    plane, controllers = pods({"extraVolumes": [VOLUME], "controlPlane": {"extraVolumeMounts": [MOUNT]}})
    assert MOUNT in container(plane)["volumeMounts"] and MOUNT not in container(controllers)["volumeMounts"]


def test_runner_pods_have_theirs():
    pod = pod_of(render(run_values({"oneShot": {"extraVolumes": [OWN], "extraVolumeMounts": [OWN_MOUNT]}})))
    assert {"name": "own", "secret": {"secretName": "s", "defaultMode": 256}} in pod["spec"]["volumes"]
    assert OWN_MOUNT in container(pod)["volumeMounts"]


def groups():
    """Where volumes may be said: how the message calls it, and values around a list."""
    yield "extraVolumes", lambda keys: keys
    yield "controlPlane.extraVolumes", lambda keys: {"controlPlane": keys}
    yield "controllers.extraVolumes", lambda keys: {"controllers": keys}
    yield "oneShot.extraVolumes", lambda keys: run_values({"oneShot": keys})


GROUPS = list(groups())
IDS = [name for name, _ in GROUPS]


@pytest.mark.parametrize("where,around", GROUPS, ids=IDS)
def test_a_mount_of_nothing_is_refused(where, around):
    with pytest.raises(Refused, match='a mount names the volume "gone", which does not exist') as refused:
        render(around({"extraVolumeMounts": [{"name": "gone", "mountPath": "/x"}]}))
    assert where in str(refused.value)


@pytest.mark.parametrize("where,around", GROUPS, ids=IDS)
def test_two_volumes_of_one_name_are_refused(where, around):
    with pytest.raises(Refused, match='two volumes are called \\\\?"own\\\\?"') as refused:
        render(around({"extraVolumes": [OWN, OWN]}))
    assert where in str(refused.value)


def test_a_component_may_not_repeat_a_common_name():
    with pytest.raises(Refused, match="two volumes are called"):
        render({"extraVolumes": [OWN], "controllers": {"extraVolumes": [OWN]}})
    # Each of them has one of it.
    render({"controlPlane": {"extraVolumes": [OWN]}, "controllers": {"extraVolumes": [OWN]}})


@pytest.mark.parametrize("where,around", GROUPS, ids=IDS)
def test_two_mounts_at_one_place_are_refused(where, around):
    with pytest.raises(Refused, match="something is mounted at"):
        render(around({"extraVolumes": [OWN], "extraVolumeMounts": [OWN_MOUNT, {"name": "own", "mountPath": "/own/"}]}))


def reserved():
    """Names of the volumes that the chart makes, whatever is on, and where they are mounted."""
    everything = {
        "database": {"caSecret": {"name": "ca"}},
        "controllers": {"enabled": True},
    }
    pods_ = [("extraVolumes", it["spec"]["template"]) for it in render(everything).all("Deployment")]
    for agent in ["claude", "codex"]:
        run = {"oneShot": {
            "enabled": True, "agent": agent, "prompt": "x",
            "credentials": {"claudeCredentials": "{}", "codexAuth": "{}"},
            "clickhouse": {"enabled": True}, "inputFiles": [{"path": "/workspace/x", "content": "x"}],
            "git": {"url": "https://h/r.git", "sshKeySecret": {"name": "k"}, "knownHostsConfigMap": {"name": "h"}},
        }}
        pods_.append(("oneShot.extraVolumes", pod_of(render(run))))
    for where, pod in pods_:
        for volume in pod["spec"]["volumes"]:
            yield where, "name", volume["name"]
        for mount in container(pod)["volumeMounts"]:
            if mount["mountPath"] != "/workspace/x":
                yield where, "path", mount["mountPath"]


RESERVED = sorted(set(reserved()))

# What no mount of the chart is at, and a run could not do without: the runner itself, and where its status goes.
NEEDED = ["/usr/local/bin", "/usr/local/bin/", "/usr/local/bin/agent-runner", "/usr/local", "/usr", "/dev", "/workspace/.agent/status.json"]


@pytest.mark.parametrize("path", NEEDED)
def test_what_a_run_needs_cannot_be_hidden(path):
    with pytest.raises(Refused, match="something is mounted at"):
        render(run_values({"oneShot": {"extraVolumes": [OWN], "extraVolumeMounts": [{"name": "own", "mountPath": path}]}}))
    if not path.endswith("/"):
        with pytest.raises(Refused, match="oneShot.inputFiles: something is mounted at"):
            render(run_values({"oneShot": {"inputFiles": [{"path": path, "content": "x"}]}}))
    render(run_values({"oneShot": {"extraVolumes": [OWN], "extraVolumeMounts": [{"name": "own", "mountPath": f"{path.rstrip('/')}-of-mine"}]}}))


@pytest.mark.parametrize("path", ["/proc", "/proc/", "/proc/1", "/sys", "/sys/fs/cgroup"])
@pytest.mark.parametrize("where,around", GROUPS, ids=IDS)
def test_nothing_is_mounted_into_what_is_the_kernel_s(where, around, path):
    with pytest.raises(Refused, match="is the kernel's"):
        render(around({"extraVolumes": [OWN], "extraVolumeMounts": [{"name": "own", "mountPath": path}]}))


@pytest.mark.parametrize("where,what,taken", RESERVED)
def test_what_the_chart_makes_is_reserved(where, what, taken):
    around = dict(GROUPS)[where]
    if what == "name":
        with pytest.raises(Refused, match="a volume of the chart's own"):
            render(around({"extraVolumes": [{"name": taken, "volume": {"emptyDir": {}}}]}))
        with pytest.raises(Refused, match="a volume of the chart's own"):
            render(around({"extraVolumeMounts": [{"name": taken, "mountPath": "/x"}]}))
    else:
        with pytest.raises(Refused, match="something is mounted at"):
            render(around({"extraVolumes": [OWN], "extraVolumeMounts": [{"name": "own", "mountPath": taken}]}))


def test_the_readme_names_every_reserved_name():
    from chart import CHART

    text = (CHART / "README.md").read_text()
    for _, what, taken in RESERVED:
        if what == "name":
            assert f"`{taken}`" in text, taken


def test_input_files_may_not_hide_a_mount():
    with pytest.raises(Refused, match="oneShot.inputFiles: something is mounted at"):
        render(run_values({"oneShot": {"inputFiles": [{"path": "/workspace/run.json", "content": "x"}]}}))
    with pytest.raises(Refused, match="oneShot.inputFiles: something is mounted at"):
        render(run_values({"oneShot": {"inputFiles": [{"path": "/a", "content": "x"}, {"path": "/a", "content": "y"}]}}))
