"""Containers of the images, restricted as pods are, and what is in their layers."""

import io
import json
import os
import re
import subprocess
import tarfile
from dataclasses import dataclass
from functools import cache

from chart import ROOT

VERSION = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
PREFIX = os.environ.get("PREFIX", "localhost/agent-runner")
TAG = os.environ.get("TAG", VERSION)
IMAGES = ["runner", "claude", "codex", "agent"]
RUNNER = "/usr/local/bin/agent-runner"
SMOKE = "/usr/local/share/agent-runner/smoke.json"
FAKE = "/usr/local/bin/agents-fake-codex-app-server"

# As OpenShift gives them out: in no image's /etc/passwd.
ANYBODY = "1000650000:0"

# What `securityContext` of the chart's pods is to a runtime. Without `--read-only-tmpfs=false` podman would mount what
# the pod has not.
RESTRICTED = [
    "--user", ANYBODY, "--read-only", "--read-only-tmpfs=false", "--cap-drop", "all",
    "--security-opt", "no-new-privileges", "--network", "none",
]


def name_of(image):
    return f"{PREFIX}/{image}:{TAG}"


def podman(*arguments, check=True, **options):
    options = {"capture_output": True, "text": True, "timeout": 120} | options
    result = subprocess.run(["podman", *map(str, arguments)], **options)
    assert not check or result.returncode == 0, f"podman {arguments}: {result.stdout}{result.stderr}"
    return result


@cache
def inspected(image):
    return json.loads(podman("image", "inspect", name_of(image)).stdout)[0]


@dataclass
class Entry:
    """A file of an image, as the last layer that has it says."""

    mode: int
    gid: int
    kind: bytes
    link: str

    @property
    def is_file(self):
        return self.kind in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.LNKTYPE)

    @property
    def is_dir(self):
        return self.kind == tarfile.DIRTYPE


@dataclass
class Layer:
    entries: dict
    texts: dict


# What is longer is a program or data of one.
LONGEST_TEXT = 256 * 1024


def read_layer(stream):
    entries, texts = {}, {}
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            path = "/" + member.name.removeprefix("./").strip("/")
            entries[path] = Entry(member.mode, member.gid, member.type, member.linkname)
            if member.isreg() and member.size <= LONGEST_TEXT:
                texts[path] = tar.extractfile(member).read()
    return Layer(entries, texts)


@cache
def layers(image):
    """Every layer, from the first to the last, with what a later one hides."""
    found, manifest = {}, None
    with subprocess.Popen(["podman", "save", "--quiet", "--format", "docker-archive", name_of(image)], stdout=subprocess.PIPE) as saving:
        with tarfile.open(fileobj=saving.stdout, mode="r|") as archive:
            for member in archive:
                if member.isreg() and member.name == "manifest.json":
                    manifest = json.load(archive.extractfile(member))[0]
                elif member.isreg() and member.name.endswith(".tar"):
                    found[member.name] = read_layer(archive.extractfile(member))
        saving.stdout.read()
    assert saving.returncode == 0
    return [found[name] for name in manifest["Layers"]]


@cache
def files(image):
    """What a container sees: path to entry."""
    seen = {}
    for layer in layers(image):
        for path in layer.entries:
            parent, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                hidden = [it for it in seen if it.startswith(f"{parent}/")]
            elif name.startswith(".wh."):
                gone = f"{parent}/{name.removeprefix('.wh.')}"
                hidden = [it for it in seen if it == gone or it.startswith(f"{gone}/")]
            else:
                continue
            for it in hidden:
                del seen[it]
        seen |= {path: entry for path, entry in layer.entries.items() if not path.rpartition("/")[2].startswith(".wh.")}
    return seen


def copied(container, path):
    """The contents of a file of a container that has ended."""
    archive = podman("cp", f"{container}:{path}", "-", text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.extractfile(tar.next()).read()
