"""What is made of something else is what would be made of it now."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

import generate
from chart import CHART, ROOT, container, render

CHART_YAML = yaml.safe_load((CHART / "Chart.yaml").read_text())


def test_readme_schema_and_copies_are_fresh():
    assert [str(path.relative_to(ROOT)) for path in generate.stale()] == [], "run `make chart-generate`"


def test_staleness_would_be_seen(tmp_path, monkeypatch):
    files = dict(generate.rendered())
    path = CHART / "README.md"
    monkeypatch.setattr(generate, "rendered", lambda: {path: files[path] + "x"})
    assert generate.stale() == [path]


def test_the_check_is_a_command():
    subprocess.run([sys.executable, str(ROOT / "tests/chart/generate.py"), "--check"], check=True)


def test_the_readme_has_every_value():
    text = (CHART / "README.md").read_text()
    for value in generate.leaves(generate.read_values((CHART / "values.yaml").read_text())):
        assert f"| `{value.name}` |" in text, value.name


def annotation(name):
    return yaml.safe_load(CHART_YAML["annotations"][f"artifacthub.io/{name}"])


def test_artifact_hub_lists_the_definitions_that_there_are():
    crds = [yaml.safe_load(path.read_text()) for path in (CHART / "crds").glob("*.yaml")]
    there = {(crd["spec"]["names"]["kind"], crd["metadata"]["name"], crd["spec"]["versions"][0]["name"]) for crd in crds}
    listed = {(it["kind"], it["name"], it["version"]) for it in annotation("crds")}
    assert listed == there and len(there) == 19
    assert all(it["displayName"] and it["description"] for it in annotation("crds"))
    assert {it["kind"] for it in annotation("crdsExamples")} <= {kind for kind, _, _ in there}


def test_artifact_hub_lists_the_images_of_the_defaults():
    listed = {it["image"] for it in annotation("images")}
    pod = render().one("Deployment")["spec"]["template"]
    env = {it["name"]: it.get("value") for it in container(pod)["env"]}
    assert listed == {container(pod)["image"], env["AGENTS_AGENT_RUNNER_IMAGE"]}


def test_artifact_hub_annotations_are_text():
    for name, value in CHART_YAML["annotations"].items():
        assert isinstance(value, str), name
    assert {it["kind"] for it in annotation("changes")} <= {"added", "changed", "deprecated", "removed", "fixed", "security"}


def test_chart_and_runner_have_one_version():
    version = next(line.split('"')[1] for line in (ROOT / "Cargo.toml").read_text().splitlines() if line.startswith("version = "))
    assert CHART_YAML["appVersion"] == CHART_YAML["version"] == version


def test_the_chart_can_be_packed(tmp_path):
    import helm_python

    archive = helm_python.Chart.load(str(CHART)).save(str(tmp_path))
    assert archive.endswith(f"agents-{CHART_YAML['version']}.tgz")
    packed = helm_python.Chart.load_archive(Path(archive).read_bytes())
    names = {it["name"] for it in packed.files}
    # What a user of a package does not need is not in it; what templates read is.
    assert not [name for name in names if name.startswith(("ci/", "scripts/", "docs/"))]
    assert {"README.md", "LICENSE", "files/providers/claude.yaml", "files/dashboards/agents.json"} <= names


def test_links_of_the_pages_lead_somewhere():
    for page in [CHART / "README.md", CHART / "docs/requirements.md"]:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"
            elif "blob/main/" in link:
                assert (ROOT / link.split("blob/main/")[1]).exists(), f"{page.name}: {link}"
