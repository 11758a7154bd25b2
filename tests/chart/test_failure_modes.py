"""Four things that went wrong with charts of this kind before. Here they do not."""

import json
import re

import pytest

from chart import CHART, Refused, at, container, merged, pod_of, render, run_values, spec_of, values_of

HOSTILE = [
    '"; touch /tmp/pwned; echo "',
    "'$(touch /tmp/pwned)'",
    "`touch /tmp/pwned`",
    "{{ .Values.oneShot.credentials }} {{ fail \"rendered\" }}",
    "{{inputs.model}} {{env.ANTHROPIC_API_KEY}} ${HOME} $(AGENT_POD_NAME)",
    "--dangerous\n- item: [not, yaml\n# no comment\n---\n...",
    "<b>&amp;\\n\\u0041\ttab \u00e9\u4e16\u2028 end  \n\n  ",
    "/clear @/etc/passwd !ls $skill",
    "next\x85line del\x7f csi\x9b[31m \ufeffmark \uffff tab\t\x1b[0m",
]


# 1. An agent that failed was reported as a success: `claude | tee`, and the exit code was tee's.


@pytest.mark.parametrize("agent", ["claude", "codex", "codex-exec", "fake"])
def test_the_exit_code_of_the_container_is_the_runner_s(agent):
    values = run_values(at("oneShot", {"agent": agent, "credentials": {"apiKey": {"secretName": "s"}}, "storeResults": {"enabled": True, "s3Bucket": "b", "existingSecret": {"name": "s"}}}))
    each = container(pod_of(render(values)))
    # The runner is the process of the container: nothing is between its exit code and the kubelet.
    assert each["command"] == ["/usr/local/bin/agent-runner"] and "args" not in each and "lifecycle" not in each
    assert not {"sh", "bash", "tee"} & {part.rsplit("/", 1)[-1] for part in each["command"]}
    # And its verdict is where the cluster looks for it.
    assert each["terminationMessagePath"] == spec_of(render(values))[0]["artifacts"]["statusPath"]


def test_a_failure_is_stored_as_well_and_not_as_a_success():
    artifacts = spec_of(render(values_of("ci/one-shot-results-secret-values.yaml")))[0]["runner"]["artifacts"]
    assert artifacts["when"] == "always" and "status" in artifacts["include"]


# 2. The prompt was part of a shell command.


@pytest.mark.parametrize("agent", ["claude", "codex", "codex-exec", "fake"])
@pytest.mark.parametrize("prompt", HOSTILE)
def test_a_prompt_is_data_to_the_letter(agent, prompt):
    values = run_values(at("oneShot", {"agent": agent, "prompt": prompt, "parameters": {"note": prompt}, "credentials": {"apiKey": {"secretName": "s"}}}))
    rendered = render(values)
    spec, run = spec_of(rendered)
    assert run["prompt"] == prompt and run["parameters"]["note"] == prompt
    # Nowhere else: not in arguments, not in variables, not in a template.
    assert prompt not in json.dumps(pod_of(rendered)) and json.dumps(prompt)[1:-1] not in json.dumps(pod_of(rendered))
    spec["inputs"].pop("note")
    assert prompt not in json.dumps(spec) and json.dumps(prompt)[1:-1] not in json.dumps(spec)


@pytest.mark.parametrize("text", HOSTILE)
def test_other_texts_are_data_as_well(text):
    values = {"systemPrompt": text, "settings": {"redact": {"names": [text]}}, "inputFiles": [{"path": "/x", "content": text}], "extraEnv": [{"name": "A", "value": text}]}
    rendered = render(run_values(at("oneShot", values)))
    spec, run = spec_of(rendered)
    assert run["systemPrompt"] == text and spec["runner"]["redact"]["names"] == [text]
    assert next(it for it in rendered.all("ConfigMap") if it["metadata"]["name"].endswith("-inputs"))["data"]["input-0"] == text
    assert container(pod_of(rendered))["env"][-1]["value"] == text


@pytest.mark.parametrize("agent", ["claude", "codex", "codex-exec"])
def test_the_prompt_is_a_path_that_the_runner_reads(agent):
    spec, _ = spec_of(render(run_values(at("oneShot", {"agent": agent, "credentials": {"apiKey": {"secretName": "s"}}}))))
    template = spec["adapter"].get("codex", {}).get("prompt") or spec["adapter"]["runner"]["prompt"]
    assert "run.prompt" in template and "Say OK" not in template


def test_a_skill_name_cannot_be_a_command():
    for name in ["x; rm -rf /", "$(id)", "../x", "-x", "a b", "x\ny"]:
        with pytest.raises(Refused, match="is no name of a skill"):
            render(run_values(at("oneShot.skillName", name)))


def test_no_pod_has_a_shell():
    from test_security import pods
    from chart import CASES

    for case in CASES:
        for _, pod in pods(render(values_of(case))):
            command = container(pod).get("command", [])
            assert not {"sh", "bash", "-c"} & {part.rsplit("/", 1)[-1] for part in command}, case


# 3. Every upgrade was another run: the time was in the Job's name.


RUNS = ["ci/one-shot-job-values.yaml", "ci/one-shot-codex-values.yaml", "ci/one-shot-clickhouse-values.yaml", "ci/one-shot-debug-values.yaml", "ci/one-shot-cronjob-values.yaml"]


@pytest.mark.parametrize("case", RUNS)
def test_an_upgrade_without_a_change_changes_nothing(case):
    first = render(values_of(case), revision=1, is_install=True)
    later = render(values_of(case), revision=7, is_install=False, is_upgrade=True)
    assert first.text == later.text


def test_no_template_knows_the_time_or_chance():
    word = re.compile(r"(?<![\w.$-])(now|date|ago|rand\w*|uuidv4|gen\w+|htpasswd|bcrypt|lookup)(?![\w-])|Release\.(Revision|Is\w+)")
    for path in (CHART / "templates").rglob("*"):
        if path.is_file():
            for action in re.findall(r"\{\{.*?\}\}", path.read_text()):
                plain = re.sub(r'"[^"]*"', '""', action)
                assert not word.search(plain), f"{path.name}: {action}"
    assert word.search("{{ now | date }}") and word.search("{{ randAlphaNum 5 }}") and word.search("{{ .Release.Revision }}")


SAME_RUN = [
    {"oneShot": {"job": {"backoffLimit": 3, "activeDeadlineSeconds": 9999}}},
    {"oneShot": {"job": {"activeDeadlineSeconds": 9999}}},
    {"oneShot": {"job": {"ttlSecondsAfterFinished": 60}}},
    {"commonAnnotations": {"a": "b"}},
    {"runner": {"networkPolicy": {"egressPorts": [1]}}},
    {"metrics": {"enabled": False}},
]
OTHER_RUN = [
    {"oneShot": {"prompt": "Say no"}},
    {"oneShot": {"model": "other"}},
    {"oneShot": {"skillName": "other"}},
    {"oneShot": {"runId": "2"}},
    {"oneShot": {"parameters": {"a": "b"}}},
    {"oneShot": {"systemPrompt": "x"}},
    {"oneShot": {"inputFiles": [{"path": "/x", "content": "y"}]}},
    {"oneShot": {"settings": {"budget": {"turns": 3}}}},
    {"oneShot": {"image": {"tag": "2"}}},
    {"oneShot": {"extraEnv": [{"name": "A", "value": "b"}]}},
    {"oneShot": {"resources": {"limits": {"cpu": "3"}}}},
    {"oneShot": {"podLabels": {"a": "b"}}},
    {"oneShot": {"job": {"podFailurePolicy": {"onDisruption": "Ignore"}}}},
    {"commonLabels": {"a": "b"}},
]


def job(values, **options):
    return render(run_values(values), **options).one("Job")


@pytest.mark.parametrize("change", SAME_RUN, ids=str)
def test_what_a_job_can_change_is_no_other_run(change):
    assert job(change)["metadata"]["name"] == job({})["metadata"]["name"]
    assert job(change)["spec"]["template"] == job({})["spec"]["template"]


@pytest.mark.parametrize("change", OTHER_RUN, ids=str)
def test_what_a_job_cannot_change_is_another_run(change):
    """Kubernetes refuses another template under the same name, so the name has to be another."""
    assert job(change)["metadata"]["name"] != job({})["metadata"]["name"]


def test_another_version_of_the_chart_alone_is_no_other_run(tmp_path):
    import shutil

    copy = tmp_path / "agents"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("crds"))
    text = (copy / "Chart.yaml").read_text().replace("\nversion: 0.1.0", "\nversion: 0.1.1")
    assert text != (copy / "Chart.yaml").read_text()
    (copy / "Chart.yaml").write_text(text)
    assert job({}, path=copy)["metadata"]["name"] == job({})["metadata"]["name"]
    assert job({}, path=copy)["spec"] == job({})["spec"]
    assert job({}, path=copy)["metadata"]["labels"]["helm.sh/chart"] == "agents-0.1.1"


def test_another_release_is_another_run_unless_the_image_is_pinned(tmp_path):
    """The default tag is the version of the runner; the README says what to do about it."""
    import shutil

    copy = tmp_path / "agents"
    shutil.copytree(CHART, copy, ignore=shutil.ignore_patterns("crds"))
    text = (copy / "Chart.yaml").read_text().replace("\nversion: 0.1.0", "\nversion: 0.2.0").replace('\nappVersion: "0.1.0"', '\nappVersion: "0.2.0"')
    assert text.count("0.2.0") == 2
    (copy / "Chart.yaml").write_text(text)
    assert job({}, path=copy)["metadata"]["name"] != job({})["metadata"]["name"]
    digest = "sha256:" + "a" * 64
    for pinned in [{"runner": {"image": {"tag": "0.1.0"}}}, {"runner": {"image": {"tag": "0.1.0", "digest": digest}}}, {"oneShot": {"image": {"tag": "0.1.0"}}}]:
        assert job(pinned, path=copy)["metadata"]["name"] == job(pinned)["metadata"]["name"]
        assert job(pinned, path=copy)["spec"] == job(pinned)["spec"]
    # The tag stays beside a digest, so a digest alone is another text.
    alone = {"runner": {"image": {"digest": digest}}}
    assert job(alone, path=copy)["metadata"]["name"] != job(alone)["metadata"]["name"]
    readme = " ".join((CHART / "README.md").read_text().split())
    assert "so starts another run: pin `runner.image.tag`, beside a digest as well" in readme


def test_another_run_of_a_schedule_takes_the_files_of_the_one_before():
    """Helm removes what is no longer rendered, so a pod that has not started waits for it; not for ever, and the README says so."""
    values = run_values(at("oneShot", {"schedule": "* * * * *", "inputFiles": [{"path": "/x", "content": "y"}]}))
    first, later = render(values), render(merged(values, at("oneShot.prompt", "Say no")))
    names = lambda rendered: {it["metadata"]["name"] for it in rendered.all("ConfigMap")}
    assert len(names(first)) == 2 and not names(first) & names(later)
    assert first.one("CronJob")["metadata"]["name"] == later.one("CronJob")["metadata"]["name"]
    assert first.one("CronJob")["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 2400
    readme = " ".join((CHART / "README.md").read_text().split())
    assert "**Upgrade a schedule between its runs.**" in readme and "stays `ContainerCreating` until `oneShot.job.activeDeadlineSeconds` ends its Job" in readme


def test_new_credentials_are_no_other_run():
    values = lambda token: {"oneShot": {"enabled": True, "prompt": "x", "credentials": {"claudeCredentials": json.dumps({"token": token})}}}
    assert render(values("a")).one("Job") == render(values("b")).one("Job")


def test_a_removed_job_is_spoken_of():
    """Helm makes again what is gone: a Job that removes itself would run at the next upgrade."""
    assert "ttlSecondsAfterFinished" not in job({})["spec"]
    with_ttl = render(run_values(at("oneShot.job.ttlSecondsAfterFinished", 60)))
    assert "WARNING" in with_ttl.notes and "makes it again" in with_ttl.notes
    scheduled = render(run_values(at("oneShot", {"schedule": "* * * * *", "job": {"ttlSecondsAfterFinished": 60}})))
    assert "WARNING" not in scheduled.notes


# 4. Definitions of resources were never upgraded.


def test_definitions_can_be_part_of_the_release():
    plain, upgraded = render(), render(at("crds.template", True))
    assert plain.all("CustomResourceDefinition") == []
    found = upgraded.all("CustomResourceDefinition")
    files = sorted(path.name for path in (CHART / "crds").glob("*.yaml"))
    assert len(found) == len(files) == 19


def test_they_are_those_that_helm_would_install():
    import yaml

    files = {}
    for path in (CHART / "crds").glob("*.yaml"):
        crd = yaml.safe_load(path.read_text())
        files[crd["metadata"]["name"]] = crd
    for found in render(at("crds.template", True)).all("CustomResourceDefinition"):
        assert found["spec"] == files[found["metadata"]["name"]]["spec"]


def test_they_stay_when_the_release_goes():
    keep = lambda values: {it["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for it in render(values).all("CustomResourceDefinition")}
    assert keep({"crds": {"template": True}}) == {"keep"}
    assert keep({"crds": {"template": True, "keep": False}}) == {None}
    annotated = render({"crds": {"template": True, "annotations": {"a": "b"}}}).all("CustomResourceDefinition")[0]
    assert annotated["metadata"]["annotations"] == {"a": "b", "helm.sh/resource-policy": "keep"}


def test_a_changed_definition_reaches_the_release(tmp_path):
    import shutil

    copy = tmp_path / "agents"
    shutil.copytree(CHART, copy)
    path = next((copy / "crds").glob("*_agents.yaml"))
    path.write_text(path.read_text().replace("    singular: agent\n", "    singular: agentx\n"))
    found = render(at("crds.template", True), path=copy).one("CustomResourceDefinition", "agents.agents.proompteng.ai")
    assert found["spec"]["names"]["singular"] == "agentx"
