#!/usr/bin/env python3
"""Writes what is made of others in charts/agents: README.md and values.schema.json of values.yaml, and the
copies of the provider definitions. `--check` writes nothing and fails if something is stale.

A chart cannot read files outside its own directory, hence the copies. The comments of values.yaml are the
only source: `# --` is the sentence, `# @schema` JSON that the schema says beyond the type of the default,
`# @section` the heading in the README.
"""

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "agents"
PROVIDERS = ["claude", "codex", "codex-exec"]

STRING = {"type": "string"}
SCALAR = {"type": ["string", "number", "boolean"]}


def closed(properties, required=(), **more):
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": list(required)} if required else {}),
        **more,
    }


def listing(item):
    return {"type": "array", "items": item}


IMAGE = {
    "repository": STRING,
    "tag": STRING,
    "digest": {"$ref": "#/definitions/digest"},
    "pullPolicy": {"$ref": "#/definitions/optionalPullPolicy"},
    "pullSecrets": {"$ref": "#/definitions/strings"},
}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
# The engine's expressions know no lookahead: a part of a path is anything but `.` and `..`, and has no `:`, which
# Kubernetes refuses.
PART = r"/([^/:.][^/:]*|\.[^/:.][^/:]*|\.\.[^/:]+)"
FILE = {"type": "string", "pattern": f"^({PART})+$"}
PATH = {"type": "string", "pattern": f"^({PART})+/?$"}
WHEN = r"(\*|\?|[0-9]+|[A-Za-z]{3})(-([0-9]+|[A-Za-z]{3}))?(/[0-9]+)?"
SCHEDULE = rf"^(|@(yearly|annually|monthly|weekly|daily|midnight|hourly|every [0-9hms.]+)|{WHEN}(,{WHEN})*( +{WHEN}(,{WHEN})*){{4}})$"
LABEL = "([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)"
NATIVE = {key: STRING for key in [
    "rerunOrchestration", "rerunOrchestrationNamespace", "systemImprovementOrchestration",
    "systemImprovementOrchestrationNamespace",
]}

# What several values are. Those without `additionalProperties: false` are Kubernetes' own, and pass through.
DEFINITIONS = {
    "object": {"type": "object"},
    "objects": listing({"type": "object"}),
    "strings": listing(STRING),
    "stringMap": {"type": "object", "additionalProperties": STRING},
    "scalarMap": {"type": "object", "additionalProperties": SCALAR},
    "labels": {
        "type": "object",
        "additionalProperties": {"type": "string", "pattern": f"^{LABEL}?$"},
        "propertyNames": {"pattern": f"^([a-z0-9]([-.a-z0-9]{{0,251}}[a-z0-9])?/)?{LABEL}$"},
    },
    "optionalName": {"type": "string", "pattern": "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"},
    "path": PATH,
    "schedule": {"type": "string", "pattern": SCHEDULE},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "optionalPullPolicy": {"enum": ["", "Always", "IfNotPresent", "Never"]},
    "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "intOrPercent": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^([0-9]+%)?$"}]},
    "resources": closed({
        "requests": {"$ref": "#/definitions/object"},
        "limits": {"$ref": "#/definitions/object"},
        "claims": {"$ref": "#/definitions/objects"},
    }),
    "imageOverride": closed(IMAGE),
    "probe": closed({
        "enabled": {"type": "boolean"},
        "path": STRING,
        **{key: {"type": "integer", "minimum": 0} for key in [
            "initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"]},
    }),
    "deploymentLifecycle": closed({key: {"type": "integer", "minimum": 0} for key in [
        "minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit"]}),
    "envVars": listing({"type": "object", "required": ["name"], "properties": {"name": STRING}}),
    "envSecrets": listing(closed({"name": STRING, "secretName": STRING, "key": STRING}, ["name", "secretName"])),
    "envConfig": listing(closed({"name": STRING, "configMapName": STRING, "key": STRING}, ["name", "configMapName"])),
    "envFromRefs": listing({"anyOf": [
        STRING,
        closed({"name": STRING, "optional": {"type": "boolean"}, "keys": {"$ref": "#/definitions/strings"}}, ["name"]),
    ]}),
    "extraVolumes": listing(closed(
        {"name": NAME, "volume": {"type": "object", "minProperties": 1}}, ["name", "volume"])),
    "extraVolumeMounts": listing(closed({
        "name": NAME, "mountPath": PATH, "subPath": STRING, "subPathExpr": STRING,
        "readOnly": {"type": "boolean"}, "recursiveReadOnly": STRING, "mountPropagation": STRING,
    }, ["name", "mountPath"])),
    "checksums": listing(closed({
        "name": {"type": "string", "pattern": "^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$"},
        "namespace": NAME,
        "checksum": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }, ["name", "checksum"])),
    "inputFiles": listing(closed({"path": FILE, "content": STRING}, ["path", "content"])),
    "outputArtifacts": listing(closed({"name": STRING, "path": STRING, "key": STRING, "url": STRING}, ["name"])
        | {"anyOf": [{"required": ["path"]}, {"required": ["url"]}]}),
    "workflowRuntime": closed({"native": closed(NATIVE)}),
}


@dataclass
class Value:
    """A key of values.yaml."""

    path: tuple
    default: object
    text: str = ""
    schema: dict = field(default_factory=dict)
    section: str = ""
    children: list = field(default_factory=list)

    @property
    def name(self):
        return ".".join(self.path)


def read_values(source):
    """The tree of values.yaml with what its comments say."""
    lines = source.splitlines()
    section = ""

    def comments(line):
        """The comment block that ends on the line above, joined."""
        found = []
        at = line - 1
        while at >= 0 and lines[at].strip().startswith("#"):
            found.insert(0, lines[at].strip()[1:].strip())
            at -= 1
        return found

    def walk(node, path):
        nonlocal section
        found = []
        for key, child in node.value:
            value = Value(path + (key.value,), yaml.safe_load(yaml.serialize(child)))
            text = []
            for line in comments(key.start_mark.line):
                if line.startswith("@section -- "):
                    section = line.removeprefix("@section -- ")
                elif line.startswith("@schema "):
                    value.schema = json.loads(line.removeprefix("@schema "))
                elif line.startswith("-- "):
                    text = [line.removeprefix("-- ")]
                elif text and line:
                    text.append(line)
            value.text = " ".join(text)
            value.section = section
            if isinstance(child, yaml.MappingNode) and child.value and "$ref" not in value.schema:
                value.children = walk(child, value.path)
            found.append(value)
        return found

    # A section is a comment of its own, with a blank line below.
    for number, line in enumerate(lines):
        if line.startswith("# @section -- ") and not lines[number + 1].strip():
            lines[number + 1] = "#"
    return walk(yaml.compose(source), ())


TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}


def schema_of(value):
    if value.children:
        return closed({child.path[-1]: schema_of(child) for child in value.children}, **value.schema)
    schema = dict(value.schema)
    if not {"$ref", "type", "enum", "anyOf"} & set(schema):
        if value.default is None or isinstance(value.default, (dict, list)):
            raise SystemExit(f"{value.name}: say what it is with `# @schema`")
        schema = {"type": TYPES[type(value.default)], **schema}
    if "$ref" in schema and value.text:
        # Of a schema with a reference nothing else counts in draft 7.
        return {"allOf": [{"$ref": schema["$ref"]}], "description": value.text}
    return {**schema, **({"description": value.text} if value.text else {})}


def schema(values):
    properties = {value.path[0]: schema_of(value) for value in values}
    properties["global"] = {"type": "object", "description": "What a chart around this one gives to all."}
    return json.dumps({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart agents",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": DEFINITIONS,
    }, indent=2) + "\n"


def leaves(values):
    for value in values:
        yield from leaves(value.children) if value.children else [value]


def cell(text):
    return text.replace("|", "\\|")


def tables(values):
    out = []
    sections = {}
    for value in leaves(values):
        sections.setdefault(value.section, []).append(value)
    for section, rows in sections.items():
        out += [f"### {section}", "", "| Key | What it does | Default |", "|---|---|---|"]
        for row in rows:
            default = json.dumps(row.default, ensure_ascii=False)
            out.append(f"| `{row.name}` | {cell(row.text)} | `{cell(default)}` |")
        out.append("")
    return "\n".join(out).rstrip()


def rendered():
    """Every generated file: path to content."""
    values = read_values((CHART / "values.yaml").read_text())
    silent = [value.name for value in leaves(values) if not value.text]
    if silent:
        raise SystemExit("without a sentence (`# --`): " + ", ".join(silent))
    files = {
        CHART / "values.schema.json": schema(values),
        CHART / "README.md": (CHART / "README.md.tmpl").read_text().replace("<!-- values -->", tables(values)),
        CHART / "LICENSE": (ROOT / "LICENSE").read_text(),
    }
    for name in PROVIDERS:
        files[CHART / "files/providers" / f"{name}.yaml"] = (ROOT / "providers" / f"{name}.yaml").read_text()
    return files


def stale():
    return [path for path, text in rendered().items() if not path.exists() or path.read_text() != text]


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        names = [str(path.relative_to(ROOT)) for path in stale()]
        if names:
            raise SystemExit("stale, run `make chart-generate`: " + ", ".join(names))
    else:
        for path, text in rendered().items():
            path.write_text(text)
