"""The control plane: values to variables, rights, networks."""

import base64
import json

import pytest

from chart import CASES, CHART, at, container, env_of, merged, render, values_of

SPLIT = at("controllers.enabled", True)


def deployment(rendered, component="control-plane"):
    return next(it for it in rendered.all("Deployment") if it["metadata"]["labels"]["app.kubernetes.io/component"] == component)


def env(*layers, component="control-plane"):
    return env_of(deployment(render(merged(*layers)), component)["spec"]["template"])


# Value, what is written, variable without its prefix, what it says. The whole table of the contract.
MAPPING = [
    ("runner.image.repository", "r/i", "AGENT_RUNNER_IMAGE", "r/i:0.1.0"),
    ("runner.image.tag", "2", "AGENT_RUNNER_IMAGE", "ghcr.io/agent-runner/agent:2"),
    ("runner.image.digest", "sha256:" + "a" * 64, "AGENT_RUNNER_IMAGE", "ghcr.io/agent-runner/agent:0.1.0@sha256:" + "a" * 64),
    ("runtime.agentRunnerImage", "old:1", "AGENT_RUNNER_IMAGE", "old:1"),
    ("runtime.agentImage", "a:1", "AGENT_IMAGE", "a:1"),
    ("runtime.scheduleRunnerImage", "s:1", "SCHEDULE_RUNNER_IMAGE", "s:1"),
    ("runtime.scheduleServiceAccount", "s", "SCHEDULE_SERVICE_ACCOUNT", "s"),
    ("controller.jobTtlSeconds", 0, "AGENT_RUNNER_JOB_TTL_SECONDS", "0"),
    ("controller.jobTtlSecondsAfterFinished", 0, "AGENT_RUNNER_JOB_TTL_SECONDS", "0"),
    ("controller.logRetentionSeconds", 60, "AGENT_RUNNER_LOG_RETENTION_SECONDS", "60"),
    ("controller.defaultWorkload.serviceAccountName", "x", "AGENT_RUNNER_SERVICE_ACCOUNT", "x"),
    ("runnerServiceAccount.name", "y", "AGENT_RUNNER_SERVICE_ACCOUNT", "y"),
    ("controller.defaultWorkload.nodeSelector", {"a": "b"}, "AGENT_RUNNER_NODE_SELECTOR", {"a": "b"}),
    ("controller.defaultWorkload.tolerations", [{"key": "a"}], "AGENT_RUNNER_TOLERATIONS", [{"key": "a"}]),
    ("controller.defaultWorkload.topologySpreadConstraints", [{"maxSkew": 1}], "AGENT_RUNNER_TOPOLOGY_SPREAD_CONSTRAINTS", [{"maxSkew": 1}]),
    ("controller.defaultWorkload.affinity", {"podAffinity": {}}, "AGENT_RUNNER_AFFINITY", {"podAffinity": {}}),
    ("controller.defaultWorkload.podSecurityContext.fsGroup", 7, "AGENT_RUNNER_POD_SECURITY_CONTEXT", {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 0, "fsGroup": 7, "seccompProfile": {"type": "RuntimeDefault"}}),
    ("controller.defaultWorkload.resources", {"requests": None, "limits": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}}, "AGENT_RUNNER_RESOURCES", {"limits": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}}),
    ("controller.defaultWorkload.imagePullSecrets", ["a"], "AGENT_RUNNER_IMAGE_PULL_SECRETS", ["a"]),
    ("runner.image.pullSecrets", ["b"], "AGENT_RUNNER_IMAGE_PULL_SECRETS", ["b"]),
    ("controller.defaultWorkload.priorityClassName", "p", "AGENT_RUNNER_PRIORITY_CLASS", "p"),
    ("controller.defaultWorkload.schedulerName", "s", "AGENT_RUNNER_SCHEDULER_NAME", "s"),
    ("controller.concurrency.perNamespace", 0, "CONTROLLER_CONCURRENCY_NAMESPACE", "0"),
    ("controller.concurrency.perAgent", 3, "CONTROLLER_CONCURRENCY_AGENT", "3"),
    ("controller.concurrency.cluster", 3, "CONTROLLER_CONCURRENCY_CLUSTER", "3"),
    ("controller.repoConcurrency.enabled", True, "CONTROLLER_REPO_CONCURRENCY_ENABLED", "true"),
    ("controller.repoConcurrency.default", 3, "CONTROLLER_REPO_CONCURRENCY_DEFAULT", "3"),
    ("controller.repoConcurrency.overrides", {"a/b": 1}, "CONTROLLER_REPO_CONCURRENCY_OVERRIDES", {"a/b": 1}),
    ("controller.queue.perNamespace", 3, "CONTROLLER_QUEUE_NAMESPACE", "3"),
    ("controller.queue.perRepo", 3, "CONTROLLER_QUEUE_REPO", "3"),
    ("controller.queue.cluster", 3, "CONTROLLER_QUEUE_CLUSTER", "3"),
    ("controller.rate.windowSeconds", 3, "CONTROLLER_RATE_WINDOW_SECONDS", "3"),
    ("controller.rate.perNamespace", 3, "CONTROLLER_RATE_NAMESPACE", "3"),
    ("controller.rate.perRepo", 3, "CONTROLLER_RATE_REPO", "3"),
    ("controller.rate.cluster", 3, "CONTROLLER_RATE_CLUSTER", "3"),
    ("controller.webhook.queueSize", 3, "IMPLEMENTATION_SOURCE_WEBHOOK_QUEUE_SIZE", "3"),
    ("controller.webhook.retry.baseDelaySeconds", 3, "IMPLEMENTATION_SOURCE_WEBHOOK_RETRY_BASE_DELAY_SECONDS", "3"),
    ("controller.webhook.retry.maxDelaySeconds", 3, "IMPLEMENTATION_SOURCE_WEBHOOK_RETRY_MAX_DELAY_SECONDS", "3"),
    ("controller.webhook.retry.maxAttempts", 3, "IMPLEMENTATION_SOURCE_WEBHOOK_RETRY_MAX_ATTEMPTS", "3"),
    ("controller.agentRunRetentionSeconds", 2592000, "CONTROLLER_AGENTRUN_RETENTION_SECONDS", "2592000"),
    ("controller.runtimeDebrisCleanup.orphanPodRetentionSeconds", 5, "CONTROLLER_ORPHAN_POD_RETENTION_SECONDS", "5"),
    ("controller.agentRunArtifacts.max", 5, "AGENTRUN_ARTIFACTS_MAX", "5"),
    ("controller.agentRunArtifacts.strict", True, "AGENTRUN_ARTIFACTS_STRICT", "true"),
    ("controller.admissionPolicy.labels.required", ["a"], "CONTROLLER_LABELS_REQUIRED", ["a"]),
    ("controller.admissionPolicy.labels.allowed", ["a"], "CONTROLLER_LABELS_ALLOWED", ["a"]),
    ("controller.admissionPolicy.labels.denied", ["a"], "CONTROLLER_LABELS_DENIED", ["a"]),
    ("controller.admissionPolicy.images.allowed", ["a"], "CONTROLLER_IMAGES_ALLOWED", ["a"]),
    ("controller.admissionPolicy.images.denied", ["a"], "CONTROLLER_IMAGES_DENIED", ["a"]),
    ("controller.admissionPolicy.secrets.blocked", ["a"], "CONTROLLER_BLOCKED_SECRETS", ["a"]),
    ("controller.vcsProviders.enabled", False, "CONTROLLER_VCS_PROVIDERS_ENABLED", "false"),
    ("controller.vcsProviders.deprecatedTokenTypes", {"github": ["pat"]}, "CONTROLLER_VCS_DEPRECATED_TOKEN_TYPES", {"github": ["pat"]}),
    ("controller.vcsProviders.prRateLimits", {"a": 1}, "CONTROLLER_VCS_PR_RATE_LIMITS", {"a": 1}),
    ("controller.authSecret", {"name": "s"}, "CONTROLLER_AUTH_SECRET_NAME", "s"),
    ("controller.authSecret", {"name": "s"}, "CONTROLLER_AUTH_SECRET_KEY", "auth.json"),
    ("controller.authSecret", {"name": "s", "mountPath": "/m"}, "CONTROLLER_AUTH_SECRET_MOUNT_PATH", "/m"),
    ("controller.leaderElection.enabled", False, "LEADER_ELECTION_ENABLED", "false"),
    ("controller.leaderElection.leaseName", "l", "LEADER_ELECTION_LEASE_NAME", "l"),
    ("controller.leaderElection.leaseNamespace", "l", "LEADER_ELECTION_LEASE_NAMESPACE", "l"),
    ("controller.leaderElection.leaseDurationSeconds", 31, "LEADER_ELECTION_LEASE_DURATION_SECONDS", "31"),
    ("controller.leaderElection.renewDeadlineSeconds", 21, "LEADER_ELECTION_RENEW_DEADLINE_SECONDS", "21"),
    ("controller.leaderElection.retryPeriodSeconds", 6, "LEADER_ELECTION_RETRY_PERIOD_SECONDS", "6"),
    ("rbac.clusterScoped", True, "RBAC_CLUSTER_SCOPED", "true"),
    ("swarm.enabled", True, "SWARM_PRIMITIVE_ENABLED", "true"),
    ("audit.sink", {"type": "stdout"}, "AUDIT_SINK_TYPE", "stdout"),
    ("audit.sink", {"type": "http", "http": {"url": "u"}}, "AUDIT_SINK_HTTP_URL", "u"),
    ("audit.sink", {"type": "http", "http": {"url": "u", "timeoutMs": 5}}, "AUDIT_SINK_HTTP_TIMEOUT_MS", "5"),
    ("audit.sink", {"type": "http", "http": {"url": "u", "headers": {"a": "b"}}}, "AUDIT_SINK_HTTP_HEADERS_JSON", {"a": "b"}),
    ("cors.allowedOrigins", ["a", "b"], "CORS_ALLOWED_ORIGINS", "a,b"),
    ("agentRuntime.native.rerunOrchestration", "x", "CODEX_RERUN_ORCHESTRATION", "x"),
    ("agentRuntime.native.rerunOrchestrationNamespace", "x", "CODEX_RERUN_ORCHESTRATION_NAMESPACE", "x"),
    ("agentRuntime.native.systemImprovementOrchestration", "x", "SYSTEM_IMPROVEMENT_ORCHESTRATION", "x"),
    ("agentRuntime.native.systemImprovementOrchestrationNamespace", "x", "SYSTEM_IMPROVEMENT_ORCHESTRATION_NAMESPACE", "x"),
    ("workflowRuntime.native.rerunOrchestration", "x", "CODEX_RERUN_ORCHESTRATION", "x"),
    ("workflowRuntime.native.systemImprovementOrchestration", "x", "SYSTEM_IMPROVEMENT_ORCHESTRATION", "x"),
    ("agentComms", {"enabled": True}, "AGENT_COMMS_SUBSCRIBER_DISABLED", "false"),
    ("agentComms", {"enabled": True, "subjects": ["a", "b"]}, "AGENT_COMMS_SUBJECTS", "a,b"),
    ("metrics.enabled", False, "PROMETHEUS_METRICS_ENABLED", "false"),
    ("metrics.path", "/m", "PROMETHEUS_METRICS_PATH", "/m"),
]


# What else has to be said for a value to be allowed.
BESIDE = {"LEADER_ELECTION_LEASE_NAMESPACE": at("rbac.clusterScoped", True)}


@pytest.mark.parametrize("path,value,variable,said", MAPPING, ids=[f"{row[2]}-{row[0]}" for row in MAPPING])
def test_a_value_is_a_variable_of_both_generations_and_both_deployments(path, value, variable, said):
    value_layers = merged(at(path, value), BESIDE.get(variable))
    old = f"JANGAR_AGENTS_{variable}" if variable.startswith("CONTROLLER_") else f"JANGAR_{variable}"
    for found in [
        env(value_layers).get(f"AGENTS_{variable}"),
        env(value_layers, at("controlPlane.envPrefix", "JANGAR")).get(old),
        env(value_layers, SPLIT, component="controllers").get(f"AGENTS_{variable}"),
    ]:
        assert found is not None, variable
        assert (json.loads(found) if isinstance(said, (dict, list)) else found) == said


def test_namespaces_are_the_release_s_or_those_that_are_said():
    names = ["PRIMITIVES_NAMESPACES", "CONTROLLER_NAMESPACES", "ORCHESTRATION_CONTROLLER_NAMESPACES", "SUPPORTING_CONTROLLER_NAMESPACES"]
    found = env({})
    assert {found[f"AGENTS_{name}"] for name in names} == {"agents"}
    wide = {"rbac": {"clusterScoped": True}, "controller": {"namespaces": ["a", "b"]}, "orchestrationController": {"namespaces": ["*"]}, "supportingController": {"namespaces": ["c"]}}
    found = env(wide)
    assert [found[f"AGENTS_{name}"] for name in names] == ["a,b", "a,b", "*", "c"]


def test_one_deployment_does_everything():
    found = env({})
    for name in ["CONTROLLER_ENABLED", "ORCHESTRATION_CONTROLLER_ENABLED", "SUPPORTING_CONTROLLER_ENABLED"]:
        assert found[f"AGENTS_{name}"] == "1"
    assert "AGENTS_PRIMITIVES_RECONCILER" not in found
    assert found["AGENTS_SERVER_PROFILE"] == "agents-control-plane"
    off = env({"controller": {"enabled": False}, "orchestrationController": {"enabled": False}, "supportingController": {"enabled": False}})
    for name in ["CONTROLLER_ENABLED", "ORCHESTRATION_CONTROLLER_ENABLED", "SUPPORTING_CONTROLLER_ENABLED"]:
        assert off[f"AGENTS_{name}"] == "0"
        assert f"AGENTS_{name.replace('ENABLED', 'NAMESPACES')}" not in off
    assert "AGENTS_CONTROLLER_QUEUE_CLUSTER" not in off


def test_split_controllers_take_the_work():
    plane = env(SPLIT, at("agentComms.enabled", True))
    own = env(SPLIT, at("agentComms.enabled", True), component="controllers")
    for name in ["CONTROLLER_ENABLED", "ORCHESTRATION_CONTROLLER_ENABLED", "SUPPORTING_CONTROLLER_ENABLED"]:
        assert (plane[f"AGENTS_{name}"], own[f"AGENTS_{name}"]) == ("0", "1")
    assert plane["AGENTS_PRIMITIVES_RECONCILER"] == "0" and "AGENTS_PRIMITIVES_RECONCILER" not in own
    assert (plane["AGENTS_AGENT_COMMS_SUBSCRIBER_DISABLED"], own["AGENTS_AGENT_COMMS_SUBSCRIBER_DISABLED"]) == ("true", "false")
    assert plane["NATS_URL"] == own["NATS_URL"] == "nats://nats.nats.svc.cluster.local:4222"
    assert own["AGENTS_SERVER_PROFILE"] == "agents-controllers"
    assert (own["AGENTS_MIGRATIONS"], own["AGENTS_GRPC_ENABLED"], own["AGENTS_CONTROL_PLANE_CACHE_ENABLED"]) == ("skip", "0", "0")
    assert (own["AGENTS_AGENTRUN_IDEMPOTENCY_ENABLED"], own["AGENTS_AGENTRUN_IDEMPOTENCY_RETENTION_DAYS"]) == ("true", "30")


def test_own_variables_win_over_common_ones_and_these_over_derived_ones():
    values = {
        "env": {"vars": {"A": "common", "B": "common", "AGENTS_AGENT_RUNNER_IMAGE": "common:1"}},
        "controlPlane": {"env": {"vars": {"A": "plane"}}},
        "controllers": {"enabled": True, "env": {"vars": {"A": "own"}}},
    }
    plane, own = env(values), env(values, component="controllers")
    assert (plane["A"], own["A"]) == ("plane", "own")
    assert plane["B"] == own["B"] == "common"
    assert plane["AGENTS_AGENT_RUNNER_IMAGE"] == "common:1"


def test_the_control_plane_s_variables_are_not_the_controllers():
    values = merged(SPLIT, at("env.vars", {"AGENTS_MIGRATIONS": "auto", "AGENTS_CONTROL_PLANE_CACHE_ENABLED": "1"}))
    assert env(values)["AGENTS_MIGRATIONS"] == "auto"
    own = env(values, component="controllers")
    assert (own["AGENTS_MIGRATIONS"], own["AGENTS_CONTROL_PLANE_CACHE_ENABLED"]) == ("skip", "0")
    assert env(values, at("controllers.env.vars.AGENTS_MIGRATIONS", "auto"), component="controllers")["AGENTS_MIGRATIONS"] == "auto"


def test_no_variable_is_there_twice():
    for case in ["ci/control-plane-everything-values.yaml", "ci/control-plane-jangar-values.yaml", "values-ci-ha.yaml"]:
        for found in render(values_of(case)).all("Deployment"):
            names = [it["name"] for it in container(found["spec"]["template"])["env"]]
            assert len(names) == len(set(names)), case


def test_large_numbers_are_written_out():
    assert env({})["AGENTS_CONTROLLER_AGENTRUN_RETENTION_SECONDS"] == "2592000"
    assert env(at("env.vars.BIG", 123456789012))["BIG"] == "123456789012"
    assert env(at("env.vars.HALF", 0.5))["HALF"] == "0.5"


def test_values_of_variables_are_always_text():
    for it in container(deployment(render(at("env.vars", {"A": True, "B": 8, "C": "yes"})))["spec"]["template"])["env"]:
        assert isinstance(it.get("value", ""), str)


def test_migrations_are_a_value_and_a_variable():
    assert env({})["AGENTS_MIGRATIONS"] == "auto"
    assert env(at("database.migrations", "skip"))["AGENTS_MIGRATIONS"] == "skip"
    assert env(values_of("ci/control-plane-jangar-values.yaml"))["JANGAR_MIGRATIONS"] == "skip"


def test_grpc_has_its_variables_its_port_and_its_service():
    found = env({})
    assert [found[f"AGENTS_GRPC_{name}"] for name in ["ENABLED", "HOST", "PORT"]] == ["true", "0.0.0.0", "50051"]
    rendered = render(at("grpc", {"port": 1, "servicePort": 2, "tokenSecret": {"name": "t", "key": "k"}}))
    service = rendered.one("Service", "agents-grpc")
    assert service["spec"]["ports"][0]["port"] == 2 and service["spec"]["ports"][0]["targetPort"] == "grpc"
    ports = {it["name"]: it["containerPort"] for it in container(deployment(rendered)["spec"]["template"])["ports"]}
    assert ports == {"http": 8080, "grpc": 1}
    assert env_of(deployment(rendered)["spec"]["template"])["AGENTS_GRPC_TOKEN"] == {"secretKeyRef": {"name": "t", "key": "k"}}
    off = render(at("grpc.enabled", False))
    assert env_of(deployment(off)["spec"]["template"])["AGENTS_GRPC_ENABLED"] == "false"
    assert not [it for it in off.all("Service") if it["metadata"]["name"] == "agents-grpc"]
    assert "AGENTS_GRPC_ENABLED" not in env(at("grpc.manageEnvVar", False))


def test_the_controllers_may_serve_grpc_too():
    rendered = render(merged(SPLIT, at("controllers.service.enabled", True)))
    assert rendered.one("Service", "agents-controllers-grpc")["spec"]["selector"]["app.kubernetes.io/component"] == "controllers"
    found = deployment(rendered, "controllers")["spec"]["template"]
    assert env_of(found)["AGENTS_GRPC_ENABLED"] == "1"
    assert {it["name"] for it in container(found)["ports"]} == {"http", "grpc"}


def test_the_database_is_a_secret_whoever_made_it():
    assert "DATABASE_URL" not in env({})
    assert env(at("database.secretRef", {"name": "db", "key": "uri"}))["DATABASE_URL"] == {"secretKeyRef": {"name": "db", "key": "uri"}}
    rendered = render(at("database.url", "postgresql://u:p@h/d"))
    own = rendered.one("Secret", "agents-database")
    assert base64.b64decode(own["data"]["url"]).decode() == "postgresql://u:p@h/d"
    assert env_of(deployment(rendered)["spec"]["template"])["DATABASE_URL"] == {"secretKeyRef": {"name": "agents-database", "key": "url"}}
    named = render({"database": {"url": "u", "createSecret": {"enabled": True, "name": "n", "annotations": {"a": "b"}}}})
    assert named.one("Secret", "n")["metadata"]["annotations"] == {"a": "b"}
    assert "there is no database" in render().notes and "there is no database" not in rendered.notes


def test_another_password_replaces_the_pods():
    annotations = lambda url: deployment(render(at("database.url", url)))["spec"]["template"]["metadata"]["annotations"]
    assert annotations("a")["checksum/database"] != annotations("b")["checksum/database"]
    nats = lambda password: deployment(render({"agentComms": {"enabled": True, "nats": {"user": "u", "password": password}}}))["spec"]["template"]["metadata"]["annotations"]
    assert nats("a")["checksum/nats"] != nats("b")["checksum/nats"]


def test_checksums_of_others_replace_the_pods():
    found = deployment(render(values_of("ci/control-plane-everything-values.yaml")))["spec"]["template"]["metadata"]["annotations"]
    assert found["checksum/secret.openai"] == "2" * 64
    assert found["checksum/configmap.flags"] == "7" * 64


def test_the_authorities_of_the_database_are_mounted():
    rendered = render(at("database.caSecret", {"name": "ca", "key": "root.pem"}))
    pod = deployment(rendered)["spec"]["template"]
    assert env_of(pod)["PGSSLROOTCERT"] == "/etc/agents/ca/root.pem"
    assert {"name": "db-ca-cert", "mountPath": "/etc/agents/ca", "readOnly": True} in container(pod)["volumeMounts"]
    assert {"name": "db-ca-cert", "secret": {"secretName": "ca", "items": [{"key": "root.pem", "path": "root.pem"}]}} in pod["spec"]["volumes"]


def test_nats_credentials_are_a_secret_whoever_made_it():
    rendered = render({"agentComms": {"enabled": True, "nats": {"user": "u", "password": "p"}}})
    assert {key: base64.b64decode(value).decode() for key, value in rendered.one("Secret", "agents-nats")["data"].items()} == {"username": "u", "password": "p"}
    assert env_of(deployment(rendered)["spec"]["template"])["NATS_PASSWORD"] == {"secretKeyRef": {"name": "agents-nats", "key": "password"}}
    theirs = env({"agentComms": {"enabled": True, "nats": {"userSecret": {"name": "s", "usernameKey": "a", "passwordKey": "b"}}}})
    assert theirs["NATS_USER"] == {"secretKeyRef": {"name": "s", "key": "a"}}
    assert "NATS_USER" not in env({"agentComms": {"nats": {"userSecret": {"name": "s"}}}})


def test_variables_from_secrets_config_maps_and_the_pod():
    values = {
        "env": {
            "secrets": [{"name": "A", "secretName": "s"}, {"name": "B", "secretName": "s", "key": "k"}],
            "config": [{"name": "C", "configMapName": "m"}],
            "extra": [{"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
            "vars": {"A": "hidden"},
        },
        "envFromSecretRefs": ["s1", {"name": "s2", "optional": True, "keys": ["X"]}],
        "envFromConfigMapRefs": ["m1"],
    }
    pod = deployment(render(values))["spec"]["template"]
    found = env_of(pod)
    assert found["A"] == {"secretKeyRef": {"name": "s", "key": "value"}}
    assert found["B"] == {"secretKeyRef": {"name": "s", "key": "k"}}
    assert found["C"] == {"configMapKeyRef": {"name": "m", "key": "C"}}
    assert found["D"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert container(pod)["envFrom"] == [{"secretRef": {"name": "s1"}}, {"secretRef": {"name": "s2", "optional": True}}, {"configMapRef": {"name": "m1"}}]
    assert found["AGENTS_POD_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_images_are_the_component_s_own_or_the_common_one():
    image = lambda values, component="control-plane": container(deployment(render(values), component)["spec"]["template"])["image"]
    digest = "sha256:" + "a" * 64
    assert image({}) == "ghcr.io/proompteng/agents-control-plane:0.9.0"
    assert image({"image": {"digest": digest}}) == f"ghcr.io/proompteng/agents-control-plane:0.9.0@{digest}"
    assert image({"image": {"repository": "r/x", "tag": "1"}}) == "r/x:1"
    assert image({"controlPlane": {"image": {"tag": "2"}}, "image": {"digest": digest}}) == "ghcr.io/proompteng/agents-control-plane:2"
    own = merged(SPLIT, {"controllers": {"image": {"repository": "r/c", "tag": "3", "digest": digest}}})
    assert image(own, "controllers") == f"r/c:3@{digest}"
    assert image(own) == "ghcr.io/proompteng/agents-control-plane:0.9.0"
    assert env(own, component="controllers")["AGENTS_IMAGE"] == f"r/c:3@{digest}"


@pytest.mark.parametrize("component,key", [("control-plane", "controlPlane"), ("controllers", "controllers")])
def test_keys_of_a_component_win_over_common_ones(component, key):
    own = {
        "livenessProbe": {"failureThreshold": 99}, "startupProbe": {"enabled": True}, "readinessProbe": {"path": "/own"},
        "lifecycle": {"preStop": {"exec": {"command": ["true"]}}}, "deploymentStrategy": {"rollingUpdate": {"maxSurge": 9}},
        "deploymentLifecycle": {"minReadySeconds": 7}, "terminationGracePeriodSeconds": 77,
        "resources": {"limits": {"cpu": "9", "memory": "9Gi"}, "requests": {"cpu": "8", "memory": "8Gi"}},
    }
    rendered = render(merged(SPLIT, {key: own}))
    spec = deployment(rendered, component)["spec"]
    each = container(spec["template"])
    assert each["livenessProbe"] == {"httpGet": {"path": "/health", "port": "http"}, "failureThreshold": 99, "initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 2}
    assert each["readinessProbe"]["httpGet"]["path"] == "/own" and each["startupProbe"]
    assert each["lifecycle"] == own["lifecycle"] and each["resources"] == own["resources"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 9, "maxUnavailable": 0}}
    assert spec["minReadySeconds"] == 7 and spec["template"]["spec"]["terminationGracePeriodSeconds"] == 77
    other = deployment(rendered, "controllers" if component == "control-plane" else "control-plane")["spec"]
    assert container(other["template"])["livenessProbe"]["failureThreshold"] == 6
    assert "minReadySeconds" not in other and other["template"]["spec"]["terminationGracePeriodSeconds"] == 30


def test_a_probe_can_be_off():
    each = container(deployment(render(at("livenessProbe.enabled", False)))["spec"]["template"])
    assert "livenessProbe" not in each and "readinessProbe" in each and "startupProbe" not in each


def test_pods_get_what_the_values_say():
    spec = deployment(render(values_of("ci/control-plane-everything-values.yaml")))["spec"]["template"]["spec"]
    for key in ["nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "priorityClassName", "imagePullSecrets"]:
        assert spec[key], key
    assert spec["serviceAccountName"] == "agents-controller"
    assert spec["automountServiceAccountToken"] is True


# Rights.


def rules(rendered):
    kind = "ClusterRole" if rendered.all("ClusterRole") else "Role"
    return [(group, resource, verb) for role in rendered.all(kind) if role["metadata"]["labels"]["app.kubernetes.io/component"] == "control-plane" for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]]


# The matrix of the first table in the README: namespaces, clusterScoped, kind.
MATRIX = [([], False, "Role"), (["agents"], False, "Role"), (["team-a", "team-b"], True, "ClusterRole"), (["*"], True, "ClusterRole")]


@pytest.mark.parametrize("namespaces,wide,kind", MATRIX)
def test_the_install_matrix(namespaces, wide, kind):
    rendered = render({"controller": {"namespaces": namespaces}, "rbac": {"clusterScoped": wide}})
    kinds = {it["kind"] for it in rendered.objects if "Role" in it["kind"]}
    assert kinds == {kind, f"{kind}Binding"}
    binding = rendered.one(f"{kind}Binding")
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "agents", "namespace": "agents"}]
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": rendered.one(kind)["metadata"]["name"]}
    assert (("", "namespaces", "list") in rules(rendered)) is wide
    assert (("apiextensions.k8s.io", "customresourcedefinitions", "get") in rules(rendered)) is wide


def test_two_releases_may_have_cluster_roles():
    wide = at("rbac.clusterScoped", True)
    assert render(wide, namespace="a").one("ClusterRole")["metadata"]["name"] != render(wide, namespace="b").one("ClusterRole")["metadata"]["name"]


def test_the_roles_are_for_every_kind_that_has_a_definition():
    import yaml

    from chart import CHART

    found = rules(render())
    for file in (CHART / "crds").glob("*.yaml"):
        crd = yaml.safe_load(file.read_text())["spec"]
        for verb in ["get", "list", "watch", "create", "update", "patch"]:
            assert (crd["group"], crd["names"]["plural"], verb) in found, file.name
        assert (crd["group"], f"{crd['names']['plural']}/status", "patch") in found
        assert (crd["group"], f"{crd['names']['plural']}/finalizers", "update") in found


def test_rights_go_with_what_is_on():
    assert ("agents.proompteng.ai", "versioncontrolproviders", "get") not in rules(render(at("controller.vcsProviders.enabled", False)))
    assert ("swarm.proompteng.ai", "swarms", "get") in rules(render(at("swarm.enabled", True)))
    assert ("", "pods", "delete") not in rules(render())
    assert ("", "pods", "delete") in rules(render(at("controller.runtimeDebrisCleanup.mode", "delete")))
    assert ("coordination.k8s.io", "leases", "update") in rules(render())
    assert not [rule for rule in rules(render()) if rule[1] == "secrets" and rule[2] != "get"]
    assert not [rule for rule in rules(render()) if "*" in rule]
    assert ("x", "y", "get") in rules(render(at("rbac.extraRules", [{"apiGroups": ["x"], "resources": ["y"], "verbs": ["get"]}])))
    assert render(at("rbac.create", False)).all("Role") == []


def test_accounts_can_be_those_that_are_there():
    rendered = render({"serviceAccount": {"create": False, "name": "mine"}})
    assert rendered.all("ServiceAccount") == []
    assert deployment(rendered)["spec"]["template"]["spec"]["serviceAccountName"] == "mine"
    assert env_of(deployment(rendered)["spec"]["template"])["AGENTS_SERVICE_ACCOUNT_NAME"] == "mine"
    assert deployment(render(at("serviceAccount.create", False)))["spec"]["template"]["spec"]["serviceAccountName"] == "default"


def test_runners_get_an_account_and_rights_only_when_asked():
    assert not [it for it in render().objects if it["metadata"]["name"] == "agents-runner" and it["kind"] != "NetworkPolicy"]
    rendered = render(at("runnerServiceAccount", {"create": True, "rbac": {"create": True}, "annotations": {"a": "b"}}))
    assert rendered.one("ServiceAccount", "agents-runner")["metadata"]["annotations"] == {"a": "b"}
    assert rendered.one("Role", "agents-runner")["rules"] == [{"apiGroups": [""], "resources": ["pods", "pods/log", "configmaps", "events"], "verbs": ["get", "list", "watch"]}]
    assert rendered.one("RoleBinding", "agents-runner")["subjects"][0]["name"] == "agents-runner"
    assert env_of(deployment(rendered)["spec"]["template"])["AGENTS_AGENT_RUNNER_SERVICE_ACCOUNT"] == "agents-runner"
    assert "AGENTS_AGENT_RUNNER_SERVICE_ACCOUNT" not in env(at("runnerServiceAccount", {"create": True, "setAsDefault": False}))


# More than one of it.


def test_budgets_are_there_where_there_is_more_than_one():
    names = lambda values: {it["metadata"]["name"] for it in render(values).all("PodDisruptionBudget")}
    assert names({}) == set()
    assert names({"replicaCount": 2}) == {"agents"}
    assert names({"controlPlane": {"replicaCount": 2}}) == {"agents"}
    assert names({"autoscaling": {"enabled": True, "minReplicas": 2}}) == {"agents"}
    assert names(merged(SPLIT, {"controllers": {"replicaCount": 2}})) == {"agents-controllers"}
    assert names({"replicaCount": 2, "podDisruptionBudget": {"enabled": False}}) == set()
    assert names({"podDisruptionBudget": {"enabled": True}}) == {"agents"}


def test_a_budget_is_there_where_there_may_be_more_than_one():
    scaled = lambda key, **more: merged(SPLIT, at(key, {"enabled": True, **more}))
    for key, name, budget in [("autoscaling", "agents", "podDisruptionBudget"), ("controllers.autoscaling", "agents-controllers", "controllers.podDisruptionBudget")]:
        spec = lambda *layers: render(merged(*layers)).one("PodDisruptionBudget", name)["spec"]
        # One that is scaled down to a single replica must let it go: `minAvailable: 1` would keep its node.
        found = spec(scaled(key, minReplicas=1, maxReplicas=5))
        assert found["maxUnavailable"] == 1 and "minAvailable" not in found
        found = spec(scaled(key, minReplicas=2, maxReplicas=5))
        assert found["minAvailable"] == 1 and "maxUnavailable" not in found
        # What somebody has asked for counts to the letter.
        assert spec(scaled(key, minReplicas=1, maxReplicas=5), at(f"{budget}.enabled", True))["minAvailable"] == 1
        assert spec(scaled(key, minReplicas=1, maxReplicas=5), at(f"{budget}.minAvailable", 2))["minAvailable"] == 2
        assert spec(scaled(key, minReplicas=1, maxReplicas=5), at(f"{budget}.maxUnavailable", "50%"))["maxUnavailable"] == "50%"
        assert not render(merged(scaled(key, minReplicas=1, maxReplicas=1))).all("PodDisruptionBudget")
        assert not render(merged(scaled(key, minReplicas=1, maxReplicas=5), at(f"{budget}.enabled", False))).all("PodDisruptionBudget")


def test_a_budget_says_one_of_two_things():
    spec = render({"podDisruptionBudget": {"enabled": True}}).one("PodDisruptionBudget")["spec"]
    assert spec["minAvailable"] == 1 and "maxUnavailable" not in spec
    spec = render({"podDisruptionBudget": {"enabled": True, "maxUnavailable": 0}}).one("PodDisruptionBudget")["spec"]
    assert spec["maxUnavailable"] == 0 and "minAvailable" not in spec


def test_whoever_is_scaled_has_no_count():
    rendered = render(values_of("values-ci-ha.yaml"))
    for component, name in [("control-plane", "agents"), ("controllers", "agents-controllers")]:
        assert "replicas" not in deployment(rendered, component)["spec"]
        spec = rendered.one("HorizontalPodAutoscaler", name)["spec"]
        assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    metrics = {it["resource"]["name"]: it["resource"]["target"]["averageUtilization"] for it in rendered.one("HorizontalPodAutoscaler", "agents")["spec"]["metrics"]}
    assert metrics == {"cpu": 80, "memory": 80}
    assert deployment(render({"replicaCount": 5}))["spec"]["replicas"] == 5
    assert deployment(render({"replicaCount": 5, "controlPlane": {"replicaCount": 0}}))["spec"]["replicas"] == 0


# Network, metrics, namespace.


def test_the_service_is_the_cluster_s_own():
    service = render().one("Service", "agents")
    assert (service["spec"]["type"], service["spec"]["ports"][0]["port"]) == ("ClusterIP", 80)


def test_the_network_policy_has_the_rules_of_the_values():
    spec = render(values_of("values-prod.yaml") | {"imagePolicy": {}}).one("NetworkPolicy", "agents")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"] and spec["ingress"] and spec["egress"]
    assert spec["podSelector"]["matchExpressions"][0]["values"] == ["control-plane", "controllers"]
    closed = render(at("networkPolicy.enabled", True)).one("NetworkPolicy", "agents")["spec"]
    assert "ingress" not in closed and "egress" not in closed


def test_metrics_have_a_service_a_monitor_and_a_dashboard():
    rendered = render(at("metrics.serviceMonitor", {"enabled": True, "labels": {"release": "p"}, "namespace": "monitoring"}))
    service = rendered.one("Service", "agents-metrics")
    assert service["spec"]["ports"][0]["port"] == 9090
    monitor = rendered.one("ServiceMonitor")
    assert monitor["metadata"]["namespace"] == "monitoring" and monitor["metadata"]["labels"]["release"] == "p"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["agents"]}
    assert monitor["spec"]["endpoints"][0]["port"] == "metrics"
    board = rendered.one("ConfigMap", "agents-dashboard")
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(board["data"]["agents.json"])["panels"]
    off = render(at("metrics.enabled", False))
    assert not [it for it in off.objects if it["metadata"]["labels"]["app.kubernetes.io/component"] == "metrics"]


def test_metrics_are_those_of_every_deployment():
    """A Service for each: what one of them counts nobody else does."""
    rendered = render(merged(SPLIT, at("metrics", {"serviceMonitor": {"enabled": True}, "service": {"labels": {"a": "b"}, "annotations": {"c": "d"}, "port": 9191}})))
    monitor = rendered.one("ServiceMonitor")["spec"]
    scraped = [it for it in rendered.all("Service") if monitor["selector"]["matchLabels"].items() <= it["metadata"]["labels"].items()]
    assert [it["metadata"]["name"] for it in scraped] == ["agents-metrics", "agents-controllers-metrics"]
    for component, service in zip(["control-plane", "controllers"], scraped, strict=True):
        labels = deployment(rendered, component)["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        assert service["metadata"]["labels"]["a"] == "b" and service["metadata"]["annotations"] == {"c": "d"}
        assert service["spec"]["ports"] == [{"name": monitor["endpoints"][0]["port"], "port": 9191, "targetPort": "http", "protocol": "TCP"}]
    assert [it["metadata"]["name"] for it in render().all("Service") if it["metadata"]["name"].endswith("metrics")] == ["agents-metrics"]


def test_the_image_and_its_variables_are_of_one_generation():
    """Which variables an image reads is a matter of its repository: `jangar` is that of charts up to 0.9.1."""
    for case in CASES:
        values = values_of(case)
        for found in render(values).all("Deployment"):
            repository = container(found["spec"]["template"])["image"].split("@")[0].rsplit(":", 1)[0].rsplit("/", 1)[-1]
            names = set(env_of(found["spec"]["template"]))
            wanted = "JANGAR_" if repository == "jangar" else "AGENTS_"
            assert f"{wanted}SERVER_PROFILE" in names, (case, repository)
            assert not [name for name in names if name.startswith({"JANGAR_": "AGENTS_", "AGENTS_": "JANGAR_"}[wanted])], case
    assert container(deployment(render())["spec"]["template"])["image"].startswith("ghcr.io/proompteng/agents-control-plane:")
    # No page says it of a tag, which the default image may have as well.
    for page in ["README.md", "values.yaml", "values.schema.json", "ci/control-plane-jangar-values.yaml"]:
        assert "images up to 0.9.1" not in (CHART / page).read_text().lower(), page


def test_controllers_run_the_control_plane_s_image_unless_they_have_their_own():
    image = lambda *layers: container(deployment(render(merged(SPLIT, *layers)), "controllers")["spec"]["template"])["image"]
    assert image() == container(deployment(render(SPLIT))["spec"]["template"])["image"]
    assert image(at("controllers.image", {"repository": "r/c", "tag": "1"})) == "r/c:1"
    readme = " ".join((CHART / "README.md").read_text().split())
    assert "With `controllers.enabled` the controllers run that same image" in readme


def test_the_namespace_can_be_the_chart_s():
    rendered = render({"podSecurityAdmission": {"enabled": True, "createNamespace": True}, "namespaceOverride": "x"})
    found = rendered.one("Namespace")
    assert found["metadata"]["name"] == "x"
    assert found["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert found["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_limits_of_the_namespace():
    rendered = render(values_of("ci/control-plane-everything-values.yaml"))
    assert rendered.one("ResourceQuota", "quota")["spec"]["hard"] == {"pods": "50"}
    assert rendered.one("LimitRange", "limits")["spec"]["limits"][0]["type"] == "Container"


def test_older_names_are_said_in_the_notes():
    assert "DEPRECATED" in render(values_of("ci/control-plane-jangar-values.yaml")).notes
    assert "DEPRECATED" not in render().notes
