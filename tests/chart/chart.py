"""Renders the chart with a real Helm engine, and finds its way in what comes out."""

import copy
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "agents"


class Refused(Exception):
    """The chart does not render with these values; the message is what a user reads."""


@dataclass
class Rendered:
    """Objects and notes of one rendering."""

    objects: list
    notes: str
    text: str

    def all(self, kind):
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind, name=None):
        found = [it for it in self.all(kind) if name is None or it["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name or ''}: {[it['metadata']['name'] for it in self.all(kind)]}"
        return found[0]


def merged(*layers):
    """Values over values, as Helm does it."""
    result = {}
    for layer in layers:
        for key, value in (layer or {}).items():
            if isinstance(value, dict) and isinstance(result.get(key), dict):
                result[key] = merged(result[key], value)
            else:
                result[key] = copy.deepcopy(value)
    return result


def at(path, value):
    """`at("a.b", 1)` is `{"a": {"b": 1}}`."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def values_file(name):
    return yaml.safe_load((CHART / name).read_text()) or {}


VALUES_FILES = ["values-local.yaml", "values-kind.yaml", "values-prod.yaml", "values-ci-ha.yaml"]
CI_FILES = sorted(f"ci/{path.name}" for path in (CHART / "ci").glob("*-values.yaml"))
DIGEST = "sha256:" + "a" * 64

# What a values file leaves to its user.
FILL = {"values-prod.yaml": {"image": {"digest": DIGEST}, "runner": {"image": {"digest": DIGEST}}}}


def case(name):
    """Values of a file of the chart, with what it leaves to its user."""
    return merged(values_file(name), FILL.get(name, {}))


CASES = ["defaults", *VALUES_FILES, *CI_FILES]


@cache
def values_of(name):
    return {} if name == "defaults" else case(name)


def run_values(*layers):
    """A run that is complete without any credentials."""
    return merged({"oneShot": {"enabled": True, "agent": "fake", "prompt": "Say OK"}}, *layers)


def container(pod):
    return pod["spec"]["containers"][0]


def env_of(pod):
    """Variables of the first container: name to value, or to what it comes from."""
    found = {}
    for variable in container(pod)["env"]:
        found[variable["name"]] = variable.get("value", variable.get("valueFrom"))
    return found


def pod_of(rendered):
    """The pod of a run, whatever it is in."""
    for kind in ("Job", "CronJob", "Pod"):
        for found in rendered.all(kind):
            if kind == "Job":
                return found["spec"]["template"]
            if kind == "CronJob":
                return found["spec"]["jobTemplate"]["spec"]["template"]
            return found
    raise AssertionError("no pod of a run")


def spec_of(rendered):
    """`agent-runner.json` and `run.json` of a run."""
    data = next(it for it in rendered.all("ConfigMap") if it["metadata"]["name"].endswith("-spec"))["data"]
    return json.loads(data["agent-runner.json"]), json.loads(data["run.json"])


@cache
def loaded(path=CHART):
    import helm_python

    return helm_python.Chart.load(str(path))


class UniqueKeys(yaml.CSafeLoader):
    """YAML in which a key that is there twice is an error, as it is for the Kubernetes API."""


def _mapping(loader, node, deep=False):
    seen = [loader.construct_object(key, deep=deep) for key, _ in node.value]
    twice = {str(key) for key in seen if seen.count(key) > 1}
    if twice:
        raise yaml.YAMLError(f"keys twice: {twice} {node.start_mark}")
    return yaml.CSafeLoader.construct_mapping(loader, node, deep)


# What is a number to Kubernetes and a text to PyYAML, such as `1e5`: a name that was not quoted.
UniqueKeys.yaml_implicit_resolvers = {key: list(found) for key, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()}
UniqueKeys.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+.0123456789"))
UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, lambda l, n: _mapping(l, n, True))


def render(values=None, name="agents", namespace="agents", path=CHART, **options):
    """The chart with these values over its own. Raises `Refused` with the message of the engine."""
    # Rendered once and copied: many tests look at the same values.
    return copy.deepcopy(_rendered(json.dumps(values or {}), name, namespace, path, tuple(options.items())))


def text(values=None, name="agents", namespace="agents", path=CHART):
    """All that the chart renders, notes included, without looking into it."""
    return "".join(content for _, content in _files(json.dumps(values or {}), name, namespace, path, ()))


@lru_cache(maxsize=512)
def _files(values, name, namespace, path, options):
    import helm_python

    try:
        files = loaded(path).render(json.loads(values), name=name, namespace=namespace, **dict(options))
    except helm_python.HelmError as error:
        raise Refused(str(error)) from error
    return sorted(files.items())


@lru_cache(maxsize=256)
def _rendered(values, name, namespace, path, options):
    objects, notes, text = [], "", ""
    for file, content in _files(values, name, namespace, path, options):
        if file.endswith("NOTES.txt"):
            notes = content
            continue
        text += content
        try:
            documents = list(yaml.load_all(content, UniqueKeys))
        except yaml.YAMLError as error:
            raise AssertionError(f"{file} is no YAML: {error}\n{content}") from error
        objects += [document for document in documents if document]
    return Rendered(objects, notes, text)
