"""Every rule refuses what it is for, with a message that names the key and says what to write."""

import re

import pytest

from chart import CASES, CHART, Refused, env_of, merged, pod_of, render, run_values, values_of

SPLIT = {"controllers": {"enabled": True}}
VCP = lambda **auth: {"versionControlProvider": {"enabled": True, "auth": auth}}
CLAUDE = {"oneShot": {"agent": "claude", "credentials": {"apiKey": {"secretName": "s"}}}}
STORE = {"oneShot": {"storeResults": {"enabled": True, "s3Bucket": "b", "existingSecret": {"name": "s"}}}}
CHECKSUM = "1" * 64


def one(values):
    return run_values({"oneShot": values})


# What is wrong, in the words of the rule; values that are wrong; the same, made right.
RULES = [
    ("is no name of a namespace: write lower-case", {"namespaceOverride": "Not A Name"}, {"namespaceOverride": "a-name"}),
    ("those begin with a letter", {"fullnameOverride": "7days"}, {"fullnameOverride": "days7"}),
    ("those begin with a letter", merged(one({}), {"fullnameOverride": "7days", "controlPlane": {"enabled": True}}), merged(one({}), {"fullnameOverride": "7days"})),
    ("Nothing would be installed", {"controlPlane": {"enabled": False}}, {"controlPlane": {"enabled": True}}),
    ("is a variable of another generation", {"env": {"vars": {"JANGAR_MIGRATIONS": "skip"}}}, {"env": {"vars": {"AGENTS_MIGRATIONS": "skip"}}}),
    ("is a variable of another generation", {"controlPlane": {"env": {"vars": {"JANGAR_X": "1"}}}}, {"controlPlane": {"env": {"vars": {"X": "1"}}}}),
    ("is a variable of another generation", {"controllers": {"env": {"vars": {"JANGAR_X": "1"}}}}, {"controllers": {"env": {"vars": {"X": "1"}}}}),
    ("is a variable of another generation", {"controlPlane": {"envPrefix": "JANGAR"}, "env": {"vars": {"AGENTS_X": "1"}}}, {"controlPlane": {"envPrefix": "JANGAR"}, "env": {"vars": {"JANGAR_X": "1"}}}),
    ("would hide which image runs use", {"env": {"vars": {"AGENTS_AGENT_IMAGE": "x"}}}, {"runner": {"image": {"tag": "x"}}}),
    ("has no digest: set controlPlane.image.digest or image.digest", {"imagePolicy": {"requireDigest": True}, "runner": {"image": {"digest": "sha256:" + "a" * 64}}}, {"imagePolicy": {"requireDigest": True}, "image": {"digest": "sha256:" + "a" * 64}, "runner": {"image": {"digest": "sha256:" + "a" * 64}}}),
    ("has no digest: set runner.image.digest", {"imagePolicy": {"requireDigest": True}, "image": {"digest": "sha256:" + "a" * 64}}, None),
    ("has no digest: set controllers.image.digest", merged(SPLIT, {"imagePolicy": {"requireDigest": True}, "image": {"digest": "sha256:" + "a" * 64}, "controllers": {"image": {"tag": "2"}}}), None),
    ("has no digest: set oneShot.image.digest", one({}) | {"imagePolicy": {"requireDigest": True}}, one({"image": {"digest": "sha256:" + "a" * 64}}) | {"imagePolicy": {"requireDigest": True}}),
    ("has no digest: set env.vars.AGENTS_AGENT_RUNNER_IMAGE", {"imagePolicy": {"requireDigest": True}, "image": {"digest": "sha256:" + "a" * 64}, "runner": {"image": {"digest": "sha256:" + "a" * 64}}, "env": {"vars": {"AGENTS_AGENT_RUNNER_IMAGE": "x:1"}}}, None),
    ("makes the controllers serve gRPC, but nobody could reach it", merged(SPLIT, {"controllers": {"env": {"vars": {"AGENTS_GRPC_ENABLED": "1"}}}}), merged(SPLIT, {"controllers": {"service": {"enabled": True}, "env": {"vars": {"AGENTS_GRPC_ENABLED": "1"}}}})),
    ("but grpc.* makes it", {"env": {"vars": {"AGENTS_GRPC_ENABLED": "false"}}}, {"env": {"vars": {"AGENTS_GRPC_ENABLED": "1"}}}),
    ("but grpc.* makes it", {"controlPlane": {"env": {"vars": {"AGENTS_GRPC_PORT": "1"}}}}, {"grpc": {"manageEnvVar": False}, "controlPlane": {"env": {"vars": {"AGENTS_GRPC_PORT": "1"}}}}),
    ("but grpc.* makes it", {"env": {"vars": {"AGENTS_GRPC_HOST": "127.0.0.1"}}}, {"env": {"vars": {"AGENTS_GRPC_HOST": "0.0.0.0"}}}),
    ("with blanks around it", {"controller": {"namespaces": ["agents "]}}, {"controller": {"namespaces": ["agents"]}}),
    ("which is no name of a namespace", {"controller": {"namespaces": ["team-*"]}, "rbac": {"clusterScoped": True}}, {"controller": {"namespaces": ["*"]}, "rbac": {"clusterScoped": True}}),
    ("names one namespace twice", {"controller": {"namespaces": ["a", "a"]}, "rbac": {"clusterScoped": True}}, {"controller": {"namespaces": ["a", "b"]}, "rbac": {"clusterScoped": True}}),
    ('has "*" beside others', {"controller": {"namespaces": ["*", "a"]}, "rbac": {"clusterScoped": True}}, {"controller": {"namespaces": ["*"]}, "rbac": {"clusterScoped": True}}),
    ("which the roles of one namespace do not allow", {"controller": {"namespaces": ["*"]}}, {"controller": {"namespaces": ["*"]}, "rbac": {"clusterScoped": True}}),
    ("which the roles of one do not allow", {"orchestrationController": {"namespaces": ["a", "b"]}}, {"orchestrationController": {"enabled": False, "namespaces": ["a", "b"]}}),
    ("but the roles are those of", {"supportingController": {"namespaces": ["other"]}}, {"supportingController": {"namespaces": ["other"]}, "rbac": {"clusterScoped": True}}),
    ("where nobody sees it", {"envFromSecretRefs": [{"name": "s", "keys": ["AGENTS_MIGRATIONS"]}]}, {"envFromSecretRefs": [{"name": "s", "keys": ["AGENTS_MIGRATIONS"]}], "env": {"vars": {"AGENTS_MIGRATIONS": "auto"}}}),
    ("where nobody sees it", {"envFromConfigMapRefs": [{"name": "s", "keys": ["AGENTS_GRPC_PORT"]}]}, {"envFromConfigMapRefs": [{"name": "s", "keys": ["AGENTS_GRPC_PORT"]}], "validation": {"reservedEnvKeysEnforced": False}}),
    ("leave it in one of them", {"envFromSecretRefs": [{"name": "s", "keys": ["AGENTS_MIGRATIONS"]}], "envFromConfigMapRefs": [{"name": "m", "keys": ["AGENTS_MIGRATIONS"]}], "env": {"vars": {"AGENTS_MIGRATIONS": "auto"}}}, None),
    ("write it once", {"rolloutChecksums": {"enabled": True, "secrets": [{"name": "a", "checksum": CHECKSUM}, {"name": "a", "checksum": CHECKSUM}]}}, {"rolloutChecksums": {"enabled": True, "secrets": [{"name": "a", "checksum": CHECKSUM}]}}),
    ("which the chart makes and watches by itself", {"database": {"url": "u"}, "rolloutChecksums": {"enabled": True, "secrets": [{"name": "agents-database", "checksum": CHECKSUM}]}}, {"database": {"url": "u"}, "rolloutChecksums": {"enabled": True}}),
    ("which the pods use, has no checksum", {"database": {"secretRef": {"name": "db"}}, "rolloutChecksums": {"enabled": True}}, {"database": {"secretRef": {"name": "db"}}, "rolloutChecksums": {"enabled": True, "secrets": [{"name": "db", "checksum": CHECKSUM}]}}),
    ("which the pods use, has no checksum", {"extraVolumes": [{"name": "a", "volume": {"configMap": {"name": "m"}}}], "rolloutChecksums": {"enabled": True}}, None),
    ("database.url and database.secretRef.name are both set", {"database": {"url": "u", "secretRef": {"name": "s"}}}, {"database": {"url": "u"}}),
    ("there is nothing to put into the Secret", {"database": {"createSecret": {"enabled": True}}}, {"database": {"createSecret": {"enabled": True}, "url": "u"}}),
    ("keep agentComms.nats.userSecret.name", {"agentComms": {"nats": {"userSecret": {"name": "s"}, "user": "u", "password": "p"}}}, {"agentComms": {"nats": {"userSecret": {"name": "s"}}}}),
    ("agentComms.nats.url has credentials in it", {"agentComms": {"enabled": True, "nats": {"url": "nats://t0ken@h:4222"}}}, {"agentComms": {"enabled": True, "nats": {"url": "nats://h:4222"}}}),
    ("agentComms.nats.password belong together", {"agentComms": {"nats": {"user": "u"}}}, {"agentComms": {"nats": {"user": "u", "password": "p"}}}),
    ("is the name of a volume of the chart's own", {"extraVolumes": [{"name": "db-ca-cert", "volume": {"emptyDir": {}}}]}, {"extraVolumes": [{"name": "other", "volume": {"emptyDir": {}}}]}),
    ("give each a name of its own", {"extraVolumes": [{"name": "a", "volume": {"emptyDir": {}}}] * 2}, None),
    ("a volume of the chart's own: add a volume", {"extraVolumeMounts": [{"name": "tmp", "mountPath": "/x"}]}, None),
    ("which does not exist: add it to the volumes", {"extraVolumeMounts": [{"name": "x", "mountPath": "/x"}]}, {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}], "extraVolumeMounts": [{"name": "x", "mountPath": "/x"}]}),
    ("choose another mountPath", {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}], "extraVolumeMounts": [{"name": "x", "mountPath": "/tmp"}]}, None),
    ("is the kernel's: choose another mountPath", {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}], "extraVolumeMounts": [{"name": "x", "mountPath": "/proc/1"}]}, {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}], "extraVolumeMounts": [{"name": "x", "mountPath": "/process"}]}),
    ("choose another path", one({"inputFiles": [{"path": "/tmp", "content": "x"}]}), one({"inputFiles": [{"path": "/tmp/x", "content": "x"}]})),
    ("cannot be a file, because", one({"inputFiles": [{"path": "/home", "content": "x"}]}), one({"inputFiles": [{"path": "/home/x", "content": "x"}]})),
    ("cannot be a file, because", one({"inputFiles": [{"path": "/a/b", "content": "x"}, {"path": "/a", "content": "x"}]}), one({"inputFiles": [{"path": "/a/b", "content": "x"}, {"path": "/a/c", "content": "x"}]})),
    ("is the kernel's: choose another path", one({"inputFiles": [{"path": "/sys/x", "content": "x"}]}), one({"inputFiles": [{"path": "/system/x", "content": "x"}]})),
    ("but there is no token", VCP(method="token"), VCP(method="token", token={"secretRef": {"name": "s"}})),
    ("but the app is not said", VCP(method="app", app={"appId": "1"}), VCP(method="app", app={"appId": "1", "installationId": "2", "privateKeySecretRef": {"name": "k"}})),
    ("which only GitHub has", merged(VCP(method="app", app={"appId": "1", "installationId": "2", "privateKeySecretRef": {"name": "k"}}), {"versionControlProvider": {"provider": "gitlab"}}), None),
    ("but there is no key", VCP(method="ssh"), VCP(method="ssh", ssh={"privateKeySecretRef": {"name": "k"}})),
    ("make the one smaller or the other larger", {"autoscaling": {"enabled": True, "minReplicas": 5}}, {"autoscaling": {"enabled": True, "minReplicas": 3}}),
    ("nothing says when to scale", {"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": None}}, {"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": None, "targetMemoryUtilizationPercentage": 70}}),
    ("make the one smaller or the other larger", merged(SPLIT, {"controllers": {"autoscaling": {"enabled": True, "minReplicas": 5}}}), None),
    ("but there is nothing to scrape", {"metrics": {"enabled": False, "serviceMonitor": {"enabled": True}}}, {"metrics": {"serviceMonitor": {"enabled": True}}}),
    ("but there is nothing to scrape", {"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}}, None),
    ("but nothing says where to: set audit.sink.http.url", {"audit": {"sink": {"type": "http"}}}, {"audit": {"sink": {"type": "http", "http": {"url": "u"}}}}),
    ("does nothing to a namespace that the chart does not make", {"podSecurityAdmission": {"enabled": True}}, {"podSecurityAdmission": {"enabled": True, "createNamespace": True}}),
    ("set resourceQuota.hard", {"resourceQuota": {"enabled": True}}, {"resourceQuota": {"enabled": True, "hard": {"pods": "1"}}}),
    ("set limitRange.limits", {"limitRange": {"enabled": True}}, {"limitRange": {"enabled": True, "limits": [{"type": "Pod"}]}}),
    ("but there is nobody to give the rights to", {"runnerServiceAccount": {"rbac": {"create": True}}}, {"runnerServiceAccount": {"rbac": {"create": True}, "name": "x"}}),
    ("a Pod to look around in has no schedule", one({"debugMode": True, "schedule": "* * * * *"}), one({"schedule": "* * * * *"})),
    ("oneShot.prompt is empty", one({"prompt": " \n"}), one({"prompt": "x"})),
    ("is no name of a skill", one({"skillName": "/audit"}), one({"skillName": "audit"})),
    ("is no name of a skill", one({"skillName": "$audit"}), one({"skillName": "plugin:audit"})),
    ("is no name of a skill", one({"skillName": "two words"}), None),
    ("is taken for the prompt by nobody", one({"parameters": {"prompt": "x"}}), one({"parameters": {"stage": "x"}})),
    ("so Kubernetes would end the run before the runner can", one({"job": {"activeDeadlineSeconds": 1620}}), one({"job": {"activeDeadlineSeconds": 1621}})),
    # Every try, and what is before and behind the agent in each.
    ("set more than 3240, which is 2 x 1620", one({"job": {"backoffLimit": 1, "activeDeadlineSeconds": 3240}}), one({"job": {"backoffLimit": 1, "activeDeadlineSeconds": 3241}})),
    ("which is 1 x 1920", one({"git": {"url": "https://h/r.git"}, "job": {"activeDeadlineSeconds": 1920}}), one({"git": {"url": "https://h/r.git"}, "job": {"activeDeadlineSeconds": 1921}})),
    ("which is 1 x 1680", one({"settings": {"workspace": {"git": {"url": "https://h/r.git"}}}, "git": {"timeoutSeconds": 60}, "job": {"activeDeadlineSeconds": 1680}}), one({"settings": {"workspace": {"git": {"url": "https://h/r.git"}}}, "git": {"timeoutSeconds": 60}, "job": {"activeDeadlineSeconds": 1681}})),
    ("which is 1 x 1920", merged(one({"job": {"activeDeadlineSeconds": 1920}}), STORE), merged(one({"job": {"activeDeadlineSeconds": 1921}}), STORE)),
    ("which is 1 x 1920", one({"settings": {"artifacts": {"bucket": "b"}}, "job": {"activeDeadlineSeconds": 1920}}), one({"settings": {"artifacts": {"bucket": "b"}}, "job": {"activeDeadlineSeconds": 1921}})),
    ("which is 3 x 2000", merged(one({"git": {"url": "https://h/r.git", "timeoutSeconds": 180}, "storeResults": {"timeoutSeconds": 200}, "job": {"backoffLimit": 2, "activeDeadlineSeconds": 6000}}), STORE), merged(one({"git": {"url": "https://h/r.git", "timeoutSeconds": 180}, "storeResults": {"timeoutSeconds": 200}, "job": {"backoffLimit": 2, "activeDeadlineSeconds": 6001}}), STORE)),
    ("set oneShot.timeoutSeconds", one({"settings": {"timeouts": {"total": "5m"}}}), one({"settings": {"timeouts": {"firstEvent": "5m"}}})),
    ("set oneShot.git.timeoutSeconds", one({"settings": {"workspace": {"timeouts": {"total": "5m"}}}}), one({"settings": {"workspace": {"timeouts": {"connect": "5s"}}}})),
    ("set oneShot.storeResults.timeoutSeconds", one({"settings": {"artifacts": {"timeout": "5m"}}}), one({"settings": {"artifacts": {"maxBytes": 5}}})),
    ("needs oneShot.job.restartPolicy=Never", one({"job": {"restartPolicy": "OnFailure"}}), one({"job": {"restartPolicy": "OnFailure", "podFailurePolicy": {"enabled": False}}})),
    ("is not talked to by arguments", one({"extraArgs": ["-x"]}), merged(one({"extraArgs": ["-x"]}), CLAUDE)),
    ("is nothing that can be cloned", one({"git": {"url": "-uhttps://x"}}), one({"git": {"url": "https://h/r.git"}})),
    ("is nothing that can be cloned", one({"git": {"url": "file:///etc"}}), one({"git": {"url": "git@h:a/b.git"}})),
    ("has a user or a password in it", one({"git": {"url": "https://u:p@h/r.git"}}), one({"git": {"url": "https://h/u@p.git"}})),
    ("has a user or a password in it", one({"git": {"url": "https://ghp_x@github.com/a/b.git"}}), one({"git": {"url": "https://github.com/a/b.git"}})),
    ("has a user or a password in it", one({"git": {"url": "http://:p@h/r.git"}}), one({"git": {"url": "http://h/r.git"}})),
    ("has a user or a password in it", one({"git": {"url": "https://u:a@b@h/r.git"}}), None),
    ("has a user or a password in it", one({"git": {"url": "ssh://git:p@h/r.git"}}), one({"git": {"url": "ssh://git@h:22/r.git"}})),
    ("oneShot.settings.workspace.git.url has a user", one({"settings": {"workspace": {"git": {"url": "HTTPS://t@h/r.git"}}}}), one({"settings": {"workspace": {"git": {"url": "https://h/r.git"}}}})),
    ("but nothing is cloned", one({"git": {"tokenSecret": {"name": "s"}}}), one({"git": {"url": "https://h/r.git", "tokenSecret": {"name": "s"}}})),
    ("so every host would be refused", one({"git": {"url": "git@h:a/b", "sshKeySecret": {"name": "s"}}}), one({"git": {"url": "git@h:a/b", "sshKeySecret": {"name": "s"}}, "settings": {"workspace": {"hostKeys": "accept-new"}}})),
    ("oneShot.nats.userSecret.name is set, but no server", one({"nats": {"userSecret": {"name": "s"}}}), one({"nats": {"url": "nats://h", "userSecret": {"name": "s"}}})),
    ("oneShot.nats.url has credentials in it", one({"nats": {"url": "nats://u:p@h:4222"}}), one({"nats": {"url": "nats://h:4222"}})),
    ("oneShot.nats.url has credentials in it", one({"nats": {"url": "token@h"}}), one({"nats": {"url": "h"}})),
    ("oneShot.nats.url has credentials in it", one({"nats": {"url": "nats://a:4222,nats://u:p/w@b:4222"}}), one({"nats": {"url": "nats://a:4222,nats://b:4222"}})),
    ("which the chart sets: remove it", one({"extraEnv": [{"name": "AGENT_RUNNER_SPEC_PATH", "value": "x"}]}), one({"extraEnv": [{"name": "X", "value": "x"}]})),
    ("set oneShot.terminationGracePeriodSeconds", one({"extraEnv": [{"name": "AGENT_RUNNER_TERMINATION_GRACE_SECONDS", "value": "9"}]}), one({"terminationGracePeriodSeconds": 60})),
    ("set oneShot.timeoutSeconds", one({"extraEnv": [{"name": "AGENT_RUNNER_TIMEOUTS_TOTAL", "value": "9h"}]}), one({"extraEnv": [{"name": "AGENT_RUNNER_TIMEOUTS_IDLE", "value": "1m"}]})),
    ("set oneShot.git.timeoutSeconds", one({"extraEnv": [{"name": "AGENT_RUNNER_WORKSPACE_TIMEOUTS_TOTAL", "value": "9h"}]}), None),
    ("set oneShot.storeResults.timeoutSeconds", one({"extraEnv": [{"name": "AGENT_RUNNER_ARTIFACTS_TIMEOUT", "value": "9h"}]}), None),
    ("oneShot.extraEnv has A twice", one({"extraEnv": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}, {"name": "A", "value": "2"}]}), one({"extraEnv": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]})),
    ("larger than Kubernetes allows", one({"prompt": "x" * 400_000}), one({"prompt": "x" * 100_000})),
    ("oneShot.inputFiles has 1000002 bytes together", one({"inputFiles": [{"path": f"/x/{n}", "content": "\u00e9" * 250_000 + "x" * n} for n in range(2)] + [{"path": "/y", "content": "x"}]}), one({"inputFiles": [{"path": f"/x/{n}", "content": "\u00e9" * 250_000} for n in range(2)]})),
    ("oneShot.systemPrompt has 16385 bytes", one({"systemPrompt": "\u00e9" * 8192 + "x"}), one({"systemPrompt": "\u00e9" * 8192})),
    ("oneShot.clickhouse.tls.key belong together", one({"clickhouse": {"enabled": True, "tls": {"cert": "x"}}}), one({"clickhouse": {"enabled": True, "tls": {"cert": "x", "key": "y"}}})),
    ("set oneShot.credentials.create=false to use the Secret", one({"credentials": {"existingSecretName": "s"}}), one({"credentials": {"create": False, "existingSecretName": "s"}})),
    ("makes no Secret of it", one({"credentials": {"create": False, "existingSecretName": "s", "codexAuth": "{}"}}), one({"credentials": {"codexAuth": "{}"}})),
    ("needs a Secret that is there", one({"agent": "claude", "credentials": {"create": False}}), one({"agent": "claude", "credentials": {"create": False, "apiKey": {"secretName": "s"}}})),
    ("needs a Secret that is there", one({"clickhouse": {"enabled": True}, "credentials": {"create": False}}), one({"credentials": {"create": False}})),
    ("is not the content of a JSON file", one({"credentials": {"claudeCredentials": "~/.claude/.credentials.json"}}), one({"credentials": {"claudeCredentials": '{"a": {}}'}})),
    ("is not the content of a JSON file", one({"credentials": {"codexAuth": "[]"}}), None),
    ("oneShot.agent=claude has no credentials", one({"agent": "claude"}), merged(one({}), CLAUDE)),
    ("oneShot.agent=codex has no credentials", one({"agent": "codex"}), one({"agent": "codex", "extraEnv": [{"name": "CODEX_API_KEY", "valueFrom": {}}]})),
    ("but nowhere to store it", one({"outputArtifacts": [{"name": "r", "path": "/r", "key": "k"}]}), one({"outputArtifacts": [{"name": "r", "path": "/r"}]})),
    ("which is what was not pushed of a repository", merged(one({"storeResults": {"include": ["workspace-wip"]}}), STORE), merged(one({"git": {"url": "https://h/r.git"}, "storeResults": {"include": ["workspace-wip"]}}), STORE)),
    ("oneShot.storeResults.s3Endpoint has credentials in it", merged(one({"storeResults": {"s3Endpoint": "http://user:pw@minio:9000"}}), STORE), merged(one({"storeResults": {"s3Endpoint": "http://minio:9000/a@b"}}), STORE)),
    ("oneShot.storeResults.s3Endpoint has credentials in it", merged(one({"storeResults": {"s3Endpoint": "user:pw@minio"}}), STORE), merged(one({"storeResults": {"s3Endpoint": "file:///a@b"}}), STORE)),
    ("oneShot.settings.artifacts.endpoint has credentials in it", one({"settings": {"artifacts": {"endpoint": "https://user:pw@minio"}}}), one({"settings": {"artifacts": {"endpoint": "https://minio"}}})),
    ("but there is no bucket", one({"storeResults": {"enabled": True, "existingSecret": {"name": "s"}}}), merged(one({}), STORE)),
    ("awsSecretAccessKey belong together", one({"storeResults": {"enabled": True, "s3Bucket": "b", "awsAccessKeyId": "x"}}), one({"storeResults": {"enabled": True, "s3Bucket": "b", "awsAccessKeyId": "x", "awsSecretAccessKey": "y"}})),
    ("has more than one of iamRoleArn", merged(one({"serviceAccount": {"create": True}, "storeResults": {"iamRoleArn": "arn"}}), STORE), None),
    ("set oneShot.serviceAccount.create=true", one({"storeResults": {"enabled": True, "s3Bucket": "b", "iamRoleArn": "arn"}}), one({"serviceAccount": {"create": True}, "storeResults": {"enabled": True, "s3Bucket": "b", "iamRoleArn": "arn"}})),
    ("so nobody could lead", {"controller": {"leaderElection": {"leaseNamespace": "other"}}}, {"controller": {"leaderElection": {"leaseNamespace": "other"}}, "rbac": {"clusterScoped": True}}),
    ("so nobody could lead", {"controller": {"leaderElection": {"leaseNamespace": "other"}}}, {"controller": {"leaderElection": {"leaseNamespace": "agents"}}}),
    ("so nobody could lead", {"controller": {"leaderElection": {"leaseNamespace": "agents"}}, "namespaceOverride": "x"}, {"controller": {"leaderElection": {"enabled": False, "leaseNamespace": "other"}}}),
    ("so nobody could lead", {"controller": {"leaderElection": {"leaseNamespace": "other"}}}, {"controller": {"leaderElection": {"leaseNamespace": "other"}}, "rbac": {"create": False}}),
    ("has nobody to store as", one({"storeResults": {"enabled": True, "s3Bucket": "b"}}), one({"serviceAccount": {"name": "s"}, "storeResults": {"enabled": True, "s3Bucket": "b"}})),
]


@pytest.mark.parametrize("words,wrong,right", RULES, ids=[f"{n}-{row[0][:40]}" for n, row in enumerate(RULES)])
def test_a_rule_refuses_what_is_wrong_and_nothing_else(words, wrong, right):
    with pytest.raises(Refused) as refused:
        render(wrong)
    message = str(refused.value).replace('\\"', '"')
    assert words in message
    # The rules speak for themselves: nothing of the engine's own stumbling.
    assert "The values of the chart contradict each other" in message
    # With words for what to do.
    line = next(line for line in message.splitlines() if words in line)
    assert re.search(r"\b(set|write|keep|remove|choose|add|change|put|use|make|leave|give|install)\b", line), line
    if right is not None:
        render(right)


def messages():
    """The rules as they are written: one per line that begins a message."""
    text = (CHART / "templates/_validate.tpl").read_text()
    body = text.split("{{- define", 2)[2]
    for line in body.splitlines():
        if line and not line.startswith(("{{- ", "{{/*", "*/}}", "Usage", "The contract", "Names of", "{{ include", " ")):
            yield line


def lines_of(values):
    try:
        render(values)
    except Refused as refused:
        return [line.strip().removeprefix("- ") for line in str(refused).replace('\\"', '"').splitlines()]
    return []


def test_every_rule_has_its_row():
    """A rule that refuses no row is one that nobody has seen refuse."""
    said = [line for _, wrong, _ in RULES for line in lines_of(wrong)]
    unseen = []
    for message in messages():
        pieces = re.split(r"\{\{ ?(?:with|if) .*?\{\{ ?end ?\}\}|\{\{.*?\}\}", message.strip())
        pattern = ".*".join(re.escape(piece) for piece in pieces)
        if not any(re.fullmatch(pattern, line) for line in said):
            unseen.append(message)
    assert unseen == []
    assert len(list(messages())) >= 60


@pytest.mark.parametrize("case", [case for case in CASES if values_of(case).get("oneShot", {}).get("enabled")])
def test_no_variable_of_the_chart_can_be_set_beside_it(case):
    """Kubernetes takes the last of one name, whatever the chart has said before."""
    values = values_of(case)
    mine = values["oneShot"].get("extraEnv", [])
    names = set(env_of(pod_of(render(values)))) - {it["name"] for it in mine}
    assert len(names) >= 8
    for name in sorted(names):
        with pytest.raises(Refused, match=f"oneShot.extraEnv has {name}, which"):
            render(merged(values, {"oneShot": {"extraEnv": mine + [{"name": name, "value": "x"}]}}))
    assert not any(line.startswith("oneShot.extraEnv") for line in lines_of(merged(values, {"oneShot": {"extraEnv": mine + [{"name": "MINE", "value": "x"}]}})))


def test_all_problems_are_said_at_once():
    with pytest.raises(Refused) as refused:
        render({"namespaceOverride": "No!", "database": {"createSecret": {"enabled": True}}, "resourceQuota": {"enabled": True}})
    text = str(refused.value)
    for words in ["namespaceOverride", "database.createSecret.enabled", "resourceQuota.enabled"]:
        assert words in text


def test_rules_of_runs_are_for_runs():
    """A block that is not in use is not looked at."""
    render({"oneShot": {"enabled": False, "skillName": "/x", "storeResults": {"enabled": True}}})
