"""What the Dockerfiles promise before anything is built."""

import json
import re
import subprocess

import pytest

from chart import ROOT
from image import IMAGES, VERSION

BUILT_ON_DEBIAN = [image for image in IMAGES if image != "runner"]


def dockerfile(image):
    return (ROOT / "images" / image / "Dockerfile").read_text()


@pytest.mark.parametrize("image", IMAGES)
def test_hadolint_finds_nothing(image):
    result = subprocess.run(["hadolint", "--no-color", ROOT / "images" / image / "Dockerfile"], capture_output=True, text=True)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("image", IMAGES)
def test_nothing_is_needed_that_only_buildkit_has(image):
    text = dockerfile(image)
    assert not re.search(r"<<-?['\"]?\w|--link|--exclude=|--checksum|--mount|--parents ./|# *syntax=|^SHELL", text, re.M)
    assert not re.search(r"^HEALTHCHECK|^ADD ", text, re.M)


@pytest.mark.parametrize("image", BUILT_ON_DEBIAN)
def test_the_default_base_is_debian_and_the_runner_is_of_this_version(image):
    text = dockerfile(image)
    assert "ARG BASE=docker.io/library/debian:bookworm-slim\n" in text
    assert f"ARG RUNNER=ghcr.io/agent-runner/runner:{VERSION}\n" in text


def locked(name):
    found = json.loads((ROOT / "tests/agents/package-lock.json").read_text())["packages"][f"node_modules/{name}"]
    return found["version"], found["integrity"].removeprefix("sha512-")


@pytest.mark.parametrize(
    ("image", "package", "suffix"), [("claude", "@anthropic-ai/claude-code-linux-x64", ""), ("codex", "codex-linux-x64", "-linux-x64")]
)
def test_the_agent_is_the_one_that_the_tests_run(image, package, suffix):
    version, integrity = locked(package)
    text, name = dockerfile(image), image.upper()
    assert f"ARG {name}_VERSION={version.removesuffix(suffix)}\n" in text
    assert f"ARG {name}_INTEGRITY_AMD64={integrity}\n" in text


@pytest.mark.parametrize("image", ["claude", "codex"])
def test_each_architecture_has_a_hash_of_its_own(image):
    hashes = re.findall(r"^ARG \w+_INTEGRITY_(\w+)=([A-Za-z0-9+/]{86}==)$", dockerfile(image), re.M)
    assert [architecture for architecture, _ in hashes] == ["AMD64", "ARM64"]
    assert len({value for _, value in hashes}) == 2


@pytest.mark.parametrize("image", IMAGES)
def test_the_table_of_the_contract_has_the_image(image):
    assert f"| `{image}` |" in (ROOT / "images/README.md").read_text()


def test_a_script_is_told_what_it_cannot_build():
    result = subprocess.run([ROOT / "images/build", "runer"], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "ENGINE": "true", "BASE": "x"})
    assert result.returncode == 1
    assert "there is no image runer" in result.stderr


def test_a_script_is_told_that_there_is_no_executable():
    env = {"PATH": "/usr/bin:/bin", "ENGINE": "true", "BASE": "x", "AGENT_RUNNER": "/nowhere/agent-runner"}
    result = subprocess.run([ROOT / "images/build", "runner"], capture_output=True, text=True, env=env)
    assert result.returncode == 1
    assert "make static" in result.stderr


def engine(path, options):
    """An engine that keeps its arguments, and whose `build` has these options."""
    path.write_text(f"""#!/bin/sh
[ "$*" != "build --help" ] || {{ printf '%s\\n' {options}; exit; }}
echo "$*" >> "$0.calls"
""")
    path.chmod(0o755)
    return path


def built(tmp_path, options, **variables):
    env = {"PATH": "/usr/bin:/bin", "ENGINE": str(engine(tmp_path / "engine", options)), "BASE": "x", **variables}
    result = subprocess.run([ROOT / "images/build", "claude"], capture_output=True, text=True, env=env)
    calls = tmp_path / "engine.calls"
    return result, calls.read_text() if calls.exists() else ""


def test_authorities_reach_npm_or_nothing_is_built(tmp_path):
    result, calls = built(tmp_path, "--tag --volume", NODE_EXTRA_CA_CERTS="/own.pem")
    assert result.returncode == 0, result.stderr
    assert "--volume /own.pem:/run/authorities.pem:ro --build-arg NODE_EXTRA_CA_CERTS=/run/authorities.pem" in calls


def test_an_engine_that_mounts_nothing_is_not_asked_to(tmp_path):
    result, calls = built(tmp_path, "--tag", NODE_EXTRA_CA_CERTS="/own.pem")
    assert (result.returncode, calls) == (1, "")
    assert "set ENGINE=podman, or AUTHORITIES= and a BASE that has them" in result.stderr
    for variables in [{}, {"NODE_EXTRA_CA_CERTS": "/own.pem", "AUTHORITIES": ""}]:
        result, calls = built(tmp_path, "--tag", **variables)
        assert result.returncode == 0, result.stderr
        assert "--volume" not in calls and "NODE_EXTRA_CA_CERTS" not in calls
