"""Every rule refuses what it is for, with a message that names the key and says what to write."""

import re

import pytest

from chart import CHART, Refused, merged, render, run_values

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
    ("agentComms.nats.password belong together", {"agentComms": {"nats": {"user": "u"}}}, {"agentComms": {"nats": {"user": "u", "password": "p"}}}),
    ("is the name of a volume of the chart's own", {"extraVolumes": [{"name": "db-ca-cert", "volume": {"emptyDir": {}}}]}, {"extraVolumes": [{"name": "other", "volume": {"emptyDir": {}}}]}),
    ("give each a name of its own", {"extraVolumes": [{"name": "a", "volume": {"emptyDir": {}}}] * 2}, None),
    ("a volume of the chart's own: add a volume", {"extraVolumeMounts": [{"name": "tmp", "mountPath": "/x"}]}, None),
    ("which does not exist: add it to the volumes", {"extraVolumeMounts": [{"name": "x", "mountPath": "/x"}]}, {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}], "extraVolumeMounts": [{"name": "x", "mountPath": "/x"}]}),
    ("choose another mountPath", {"extraVolumes": [{"name": "x", "volume": {"emptyDir": {}}}], "extraVolumeMounts": [{"name": "x", "mountPath": "/tmp"}]}, None),
    ("choose another path", one({"inputFiles": [{"path": "/tmp", "content": "x"}]}), one({"inputFiles": [{"path": "/tmp/x", "content": "x"}]})),
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
    ("needs oneShot.job.restartPolicy=Never", one({"job": {"restartPolicy": "OnFailure"}}), one({"job": {"restartPolicy": "OnFailure", "podFailurePolicy": {"enabled": False}}})),
    ("is not talked to by arguments", one({"extraArgs": ["-x"]}), merged(one({"extraArgs": ["-x"]}), CLAUDE)),
    ("is nothing that can be cloned", one({"git": {"url": "-uhttps://x"}}), one({"git": {"url": "https://h/r.git"}})),
    ("is nothing that can be cloned", one({"git": {"url": "file:///etc"}}), one({"git": {"url": "git@h:a/b.git"}})),
    ("has a password in it", one({"git": {"url": "https://u:p@h/r.git"}}), one({"git": {"url": "https://u@h/r.git"}})),
    ("but nothing is cloned", one({"git": {"tokenSecret": {"name": "s"}}}), one({"git": {"url": "https://h/r.git", "tokenSecret": {"name": "s"}}})),
    ("so every host would be refused", one({"git": {"url": "git@h:a/b", "sshKeySecret": {"name": "s"}}}), one({"git": {"url": "git@h:a/b", "sshKeySecret": {"name": "s"}}, "settings": {"workspace": {"hostKeys": "accept-new"}}})),
    ("oneShot.nats.userSecret.name is set, but no server", one({"nats": {"userSecret": {"name": "s"}}}), one({"nats": {"url": "nats://h", "userSecret": {"name": "s"}}})),
    ("oneShot.nats.url has credentials in it", one({"nats": {"url": "nats://u:p@h:4222"}}), one({"nats": {"url": "nats://h:4222"}})),
    ("which the chart sets: remove it", one({"extraEnv": [{"name": "AGENT_RUNNER_SPEC_PATH", "value": "x"}]}), one({"extraEnv": [{"name": "X", "value": "x"}]})),
    ("set oneShot.terminationGracePeriodSeconds", one({"extraEnv": [{"name": "AGENT_RUNNER_TERMINATION_GRACE_SECONDS", "value": "9"}]}), one({"terminationGracePeriodSeconds": 60})),
    ("larger than Kubernetes allows", one({"prompt": "x" * 400_000}), one({"prompt": "x" * 100_000})),
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
    ("but there is no bucket", one({"storeResults": {"enabled": True, "existingSecret": {"name": "s"}}}), merged(one({}), STORE)),
    ("awsSecretAccessKey belong together", one({"storeResults": {"enabled": True, "s3Bucket": "b", "awsAccessKeyId": "x"}}), one({"storeResults": {"enabled": True, "s3Bucket": "b", "awsAccessKeyId": "x", "awsSecretAccessKey": "y"}})),
    ("has more than one of iamRoleArn", merged(one({"serviceAccount": {"create": True}, "storeResults": {"iamRoleArn": "arn"}}), STORE), None),
    ("set oneShot.serviceAccount.create=true", one({"storeResults": {"enabled": True, "s3Bucket": "b", "iamRoleArn": "arn"}}), one({"serviceAccount": {"create": True}, "storeResults": {"enabled": True, "s3Bucket": "b", "iamRoleArn": "arn"}})),
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


def test_all_problems_are_said_at_once():
    with pytest.raises(Refused) as refused:
        render({"namespaceOverride": "No!", "database": {"createSecret": {"enabled": True}}, "resourceQuota": {"enabled": True}})
    text = str(refused.value)
    for words in ["namespaceOverride", "database.createSecret.enabled", "resourceQuota.enabled"]:
        assert words in text


def test_rules_of_runs_are_for_runs():
    """A block that is not in use is not looked at."""
    render({"oneShot": {"enabled": False, "skillName": "/x", "storeResults": {"enabled": True}}})
