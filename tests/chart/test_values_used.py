"""Every value does something: another value gives another rendering, in one of the cases at least."""

import pytest

from chart import CASES, CHART, Refused, at, merged, run_values, text, values_of
from generate import leaves, read_values

VALUES = list(leaves(read_values((CHART / "values.yaml").read_text())))
DIGEST = "sha256:" + "d" * 64

# Another value, where the type does not say one.
OTHERS = {
    "imagePolicy.requireDigest": True,
    "namespaceOverride": "elsewhere",
    "database.url": "postgresql://other",
    "runnerServiceAccount.rbac.create": True,
    "oneShot.credentials.claudeCredentials": '{"other": true}',
    "oneShot.credentials.codexAuth": '{"other": true}',
    "oneShot.git.url": "https://other.example.com/r.git",
    "oneShot.inputFiles": [{"path": "/other", "content": "x"}],
    "oneShot.outputArtifacts": [{"name": "other", "path": "x"}],
    "oneShot.skillName": "other",
    "oneShot.storeResults.include": ["log"],
    "networkPolicy.policyTypes": ["Egress"],
    "runner.networkPolicy.egressPorts": [1],
    "runner.networkPolicy.exceptCIDRs": ["10.0.0.0/8"],
    "rolloutChecksums.secrets": [{"name": "other", "checksum": "c" * 64}],
    "rolloutChecksums.configMaps": [{"name": "other", "checksum": "c" * 64}],
    "env.secrets": [{"name": "OTHER", "secretName": "s"}],
    "env.config": [{"name": "OTHER", "configMapName": "s"}],
    "envFromSecretRefs": ["other"],
    "envFromConfigMapRefs": ["other"],
    "workflowRuntime": {"native": {"rerunOrchestrationNamespace": "x"}},
    "extraObjects": ["{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}"],
    "resourceQuota.scopeSelector": {"matchExpressions": []},
    "podDisruptionBudget.minAvailable": 7,
    "controllers.podDisruptionBudget.minAvailable": 7,
    "podDisruptionBudget.maxUnavailable": 7,
    "controllers.podDisruptionBudget.maxUnavailable": 7,
    "kubernetesApi.port": "1234",
    "validation.reservedEnvKeysEnforced": False,
    "controlPlane.enabled": False,
    "oneShot.timeZone": "Europe/Rome",
    "versionControlProvider.auth.method": "none",
}

# Values that do nothing but allow or forbid others.
GUARDS = {"imagePolicy.requireDigest", "validation.reservedEnvKeysEnforced", "database.createSecret.enabled"}

# Cases that no file of the chart is for: what a value needs around it to matter.
AROUND = {
    "validation.reservedEnvKeysEnforced": {"envFromSecretRefs": [{"name": "s", "keys": ["AGENTS_MIGRATIONS"]}]},
    "controlPlane.enabled": {},
    "podDisruptionBudget.minAvailable": {"podDisruptionBudget": {"enabled": True}},
    "versionControlProvider": {"versionControlProvider": {"enabled": True, "auth": {"method": "none"}}},
    "versionControlProvider.auth.app": {"versionControlProvider": {"enabled": True, "auth": {"method": "app", "app": {"appId": "1", "installationId": "1", "privateKeySecretRef": {"name": "k"}}}}},
    "versionControlProvider.auth.ssh": {"versionControlProvider": {"enabled": True, "auth": {"method": "ssh", "ssh": {"privateKeySecretRef": {"name": "k"}, "knownHostsConfigMapRef": {"name": "h"}}}}},
    "agentComms.nats.user": {"agentComms": {"enabled": True, "nats": {"user": "u", "password": "p"}}},
    "serviceAccount.create": {"rbac": {"create": False}},
    "runnerServiceAccount.name": {"runnerServiceAccount": {"create": True}},
    "runnerServiceAccount.setAsDefault": {"runnerServiceAccount": {"create": True}},
    "runnerServiceAccount.rbac": {"runnerServiceAccount": {"create": True, "rbac": {"create": True}}},
    "oneShot.extraVolumeMounts": run_values({"oneShot": {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}]}}),
    "oneShot.extraArgs": run_values({"oneShot": {"agent": "codex-exec", "extraEnvFrom": [{}]}}),
    "extraVolumeMounts": {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}]},
    "controlPlane.extraVolumeMounts": {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}]},
    "controllers.extraVolumeMounts": {"controllers": {"enabled": True}, "extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}]},
    "oneShot.clickhouse": run_values({"oneShot": {"clickhouse": {"enabled": True, "tls": {"cert": "x", "key": "x"}}}}),
    "crds.annotations": {"crds": {"template": True}},
    "oneShot.schedule": run_values({}),
    "oneShot.debugMode": run_values({}),
    "oneShot.enabled": {"oneShot": {"agent": "fake", "prompt": "x"}},
    "oneShot.suspend": run_values({"oneShot": {"schedule": "* * * * *"}}),
    # Refused while both are said; then the Secret that is there counts.
    "oneShot.credentials.create": run_values({"oneShot": {"agent": "claude", "credentials": {"existingSecretName": "s"}}}),
    "oneShot.storeResults.enabled": run_values({"oneShot": {"storeResults": {"s3Bucket": "b", "existingSecret": {"name": "s"}}}}),
    "oneShot.job.restartPolicy": run_values({"oneShot": {"job": {"podFailurePolicy": {"enabled": False}}}}),
    "runnerServiceAccount.rbac.create": {"runnerServiceAccount": {"create": True}},
    "controllers.replicaCount": {"controllers": {"enabled": True}},
    "controllers.autoscaling": {"controllers": {"enabled": True, "autoscaling": {"enabled": True}}},
    "controllers.autoscaling.enabled": {"controllers": {"enabled": True}},
    "controllers.podDisruptionBudget.enabled": {"controllers": {"enabled": True}},
    "autoscaling": {"autoscaling": {"enabled": True}},
    "autoscaling.enabled": {},
    "rolloutChecksums.enabled": {"rolloutChecksums": {"secrets": [{"name": "a", "checksum": "a" * 64}]}},
    "rolloutChecksums.secrets": {"rolloutChecksums": {"enabled": True}},
    "rolloutChecksums.configMaps": {"rolloutChecksums": {"enabled": True}},
    "agentComms.nats.userSecret.name": {"agentComms": {"enabled": True}},
    "versionControlProvider.enabled": {"versionControlProvider": {"auth": {"method": "none"}}},
    "versionControlProvider.auth.method": {"versionControlProvider": {"enabled": True, "auth": {"token": {"secretRef": {"name": "s"}}}}},
    "versionControlProvider.auth.token": {"versionControlProvider": {"enabled": True, "auth": {"token": {"secretRef": {"name": "s"}}}}},
    "podSecurityAdmission.enabled": {"podSecurityAdmission": {"createNamespace": True}},
    "podSecurityAdmission.createNamespace": {"podSecurityAdmission": {"enabled": True}},
    "resourceQuota.enabled": {"resourceQuota": {"hard": {"pods": "1"}}},
    "limitRange.enabled": {"limitRange": {"limits": [{"type": "Pod"}]}},
}


def other(value):
    if value.name in OTHERS:
        return OTHERS[value.name]
    if "enum" in value.schema:
        return next(it for it in value.schema["enum"] if it != value.default)
    reference = value.schema.get("$ref", "").rsplit("/", 1)[-1]
    by_reference = {
        "digest": DIGEST, "pullPolicy": "Never", "optionalPullPolicy": "Never", "port": 12345, "strings": ["other"],
        "labels": {"other": "x"}, "optionalName": "other", "path": "/other", "schedule": "@daily",
        "stringMap": {"other": "x"}, "scalarMap": {"OTHER": "x"}, "object": {"other": "x"}, "objects": [{"other": "x"}],
        "resources": {"limits": {"cpu": "77m", "memory": "77Mi"}}, "imageOverride": {"tag": "other"},
        "probe": {"enabled": True, "path": "/other"}, "deploymentLifecycle": {"minReadySeconds": 77},
        "envVars": [{"name": "OTHER", "value": "x"}], "extraVolumes": [{"name": "other", "volume": {"emptyDir": {}}}],
        "extraVolumeMounts": [{"name": "x", "mountPath": "/other"}],
    }
    if reference:
        return by_reference[reference]
    if isinstance(value.default, bool):
        return not value.default
    if isinstance(value.default, int):
        return value.default + 1 if value.schema.get("maximum") != value.default else value.default - 1
    if value.default is None:
        return {"boolean": True, "integer": 77}[next(it for it in value.schema["type"] if it != "null")]
    assert isinstance(value.default, str), value.name
    return "other"


def known(values, path):
    """How much of a path there is in values."""
    depth = 0
    for key in path:
        if not isinstance(values, dict) or key not in values:
            break
        values, depth = values[key], depth + 1
    return depth


def surroundings(value):
    best = max((path for path in AROUND if value.name == path or value.name.startswith(path + ".")), key=len, default=None)
    if best is not None:
        yield AROUND[best]
    # Those that speak of it are tried first.
    for case in sorted(CASES, key=lambda case: -known(values_of(case), value.path)):
        yield values_of(case)
    yield run_values({})


def outcome(values):
    try:
        return text(values)
    except Refused as refused:
        return f"refused: {refused}"


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.name)
def test_another_value_is_another_rendering(value):
    changed = at(value.name, other(value))
    for around in surroundings(value):
        before, after = outcome(around), outcome(merged(around, changed))
        if before != after and (value.name in GUARDS or not after.startswith("refused")):
            return
    raise AssertionError(f"{value.name}={other(value)!r} changes nothing anywhere")


def test_a_value_that_nobody_reads_would_be_found():
    """The same question of a value that no template knows: the answer has to be no."""
    plain = outcome({})
    assert outcome({"global": {"nobody": "reads this"}}) == plain
