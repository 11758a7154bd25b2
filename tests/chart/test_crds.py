"""The definitions of the chart's kinds are such that an API server takes them.

There is no API server here. What it refuses is in Kubernetes' own words: "Specifying a structural
schema", and "Resource use by validation functions" for the costs of rules.
"""

import functools
import pathlib
import re

import jsonschema
import kubernetes_validate
import pytest
import yaml

from chart import render

ROOT = pathlib.Path(__file__).parents[2]
CRDS = sorted((ROOT / "charts/agents/crds").glob("*.yaml"))
EXAMPLES = [
    path
    for path in sorted((ROOT / "charts/agents/examples").glob("*.yaml"))
    if not path.name.startswith("values-")
]
REFUSED = ROOT / "tests/testdata/crds/refused.yaml"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"
RULES = "x-kubernetes-validations"

# What a keyword says something about.
KEYWORDS = {
    "maxLength": {"string"},
    "minLength": {"string"},
    "pattern": {"string"},
    "maxItems": {"array"},
    "minItems": {"array"},
    "items": {"array"},
    "maxProperties": {"object"},
    "properties": {"object"},
    "required": {"object"},
    "additionalProperties": {"object"},
    "minimum": {"integer", "number"},
    "maximum": {"integer", "number"},
    "description": None,
    "type": None,
    "format": None,
    "enum": None,
    "default": None,
    "nullable": None,
    PRESERVE: None,
    INT_OR_STRING: None,
    RULES: None,
}

# Formats that the API server looks at; any other says nothing.
FORMATS = {"int32", "int64", "date-time", "uri"}

PYTHON = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}


# The C parser, where there is one: 19 definitions are read in many tests.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path):
    return yaml.load(path.read_text(), LOADER)


def schema_of(crd):
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def below(schema, path="", bounds=()):
    """Goes over a schema and all in it: path, schema, and the bounds of the lists and maps around it."""
    yield path, schema, bounds
    for name, inner in schema.get("properties", {}).items():
        yield from below(inner, f"{path}.{name}", bounds)
    if "items" in schema:
        yield from below(schema["items"], f"{path}[]", (*bounds, schema.get("maxItems")))
    if isinstance(schema.get("additionalProperties"), dict):
        inner = schema["additionalProperties"]
        yield from below(inner, f"{path}.*", (*bounds, schema.get("maxProperties")))


def flaws(schema):
    """Everything that makes a schema none that an API server takes, or none that says what it means."""
    for path, part, bounds in below(schema):
        yield from (f"{path}: {flaw}" for flaw in part_flaws(path, part))
        for rule in part.get(RULES, []):
            yield from (f"{path}: {flaw}" for flaw in rule_flaws(rule, part, bounds))


def part_flaws(path, part):
    for key in part:
        if key not in KEYWORDS:
            yield f"`{key}` may not be there"
    kind = part.get("type")
    if kind is None and not part.get(INT_OR_STRING) and not part.get(PRESERVE):
        yield "it has no type"
    if kind is not None and part.get(INT_OR_STRING):
        yield "a number or a text has no type"
    if kind is not None and kind not in PYTHON:
        yield f"there is no type `{kind}`"
    for key, kinds in KEYWORDS.items():
        if key in part and kinds is not None and kind not in kinds:
            yield f"`{key}` says nothing about `{kind}`"
    if part.get("format") is not None and part["format"] not in FORMATS:
        yield f"nobody knows the format `{part['format']}`"
    if part.get("additionalProperties") in (True, False):
        yield "`additionalProperties` is neither `true` nor `false`"
    if "properties" in part and "additionalProperties" in part:
        yield "`properties` and `additionalProperties` are not both there"
    if kind == "array" and "items" not in part:
        yield "a list without `items`"
    if kind == "object" and path and not (
        part.get("properties") or part.get("additionalProperties") or part.get(PRESERVE)
    ):
        if path != ".metadata":
            yield "an object in which nothing may be"
    for key in (PRESERVE, INT_OR_STRING, "nullable"):
        if key in part and part[key] is not True:
            yield f"`{key}` is `true` or not there"
    if not path:
        if kind != "object":
            yield "it is no object"
        if part.get(PRESERVE):
            yield "the root knows its fields"
    if path == ".metadata" and not set(part.get("properties", {})) <= {"name", "generateName"}:
        yield "of metadata, only names may be limited"
    if path.startswith(".metadata.") and set(part) - {"type", "maxLength", "pattern"}:
        yield "of names, only the form may be limited"
    for name in part.get("required", []):
        if name not in part.get("properties", {}):
            yield f"`{name}` is required and unknown"
    if "default" in part:
        default = part["default"]
        if not isinstance(default, PYTHON.get(kind, ())) or default not in part.get("enum", [default]):
            yield "the default is none of the values"
    for word in part.get("enum", []):
        if kind is not None and not isinstance(word, PYTHON[kind]):
            yield f"`{word}` is no {kind}"


# A field of `self`, and whether what follows calls it.
FIELD = re.compile(r"\bself((?:\.[A-Za-z_]\w*)+)(\()?")


def rule_flaws(rule, part, bounds):
    text = rule["rule"]
    if not rule.get("message") or "\n" in rule["message"] or "\n" in text:
        yield "a rule has a message, in one line each"
    for match in FIELD.finditer(text):
        names = match[1].split(".")[1:]
        if match[2]:
            names.pop()
        here = part
        for name in names:
            known = here.get("properties", {})
            if name not in known:
                yield f"the rule reads `{match[0]}`, which nobody declares"
                break
            here = known[name]
    # An endless list around it makes the estimate endless.
    if None in bounds:
        yield "the rule is in a list or map without a bound"
    if re.search(r"\bself\.(exists|all|map|filter)\(", text):
        if part.get("maxItems", part.get("maxProperties")) is None:
            yield "the rule walks a list or map without a bound"
    # The size of what a call gives is not known to the estimate, but of `split`.
    if re.search(r"(?<!split)\([^()]*\)\.[a-z]\w*\(", text) or re.search(r"[\]}]\[", text):
        yield "the rule reads what a call gave"
    if "split(" in text and part.get("maxLength") is None:
        yield "the rule splits a text without a bound"
    # 10 million in all; 16 for each step of such a rule is more than any of ours takes.
    product = 16
    for bound in (*bounds, part.get("maxProperties", part.get("maxItems"))):
        product *= bound or 1
    if product > 10_000_000:
        yield "the rule costs too much"


@pytest.mark.parametrize("path", CRDS, ids=lambda path: path.stem)
def test_every_schema_is_structural(path):
    assert list(flaws(schema_of(load(path)))) == []


BROKEN = {
    "`$ref` may not be there": {"$ref": "#/definitions/a"},
    "`oneOf` may not be there": {"type": "string", "oneOf": [{"pattern": "a"}]},
    "it has no type": {"description": "a"},
    "a number or a text has no type": {"type": "string", INT_OR_STRING: True},
    "there is no type `null`": {"type": "null"},
    "`maxLength` says nothing about `array`": {"type": "array", "items": {"type": "string"}, "maxLength": 1},
    "nobody knows the format `uint32`": {"type": "integer", "format": "uint32"},
    "`additionalProperties` is neither `true` nor `false`": {"type": "object", "additionalProperties": True},
    "`properties` and `additionalProperties` are not both there": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "additionalProperties": {"type": "string"},
    },
    "a list without `items`": {"type": "array"},
    "an object in which nothing may be": {"type": "object"},
    f"`{PRESERVE}` is `true` or not there": {"type": "string", PRESERVE: False},
    "`a` is required and unknown": {"type": "object", PRESERVE: True, "required": ["a"]},
    "the default is none of the values": {"type": "string", "enum": ["a"], "default": "b"},
    "`1` is no string": {"type": "string", "enum": [1]},
    "a rule has a message, in one line each": {"type": "string", RULES: [{"rule": "self != ''"}]},
    "the rule reads `self.a`, which nobody declares": {
        "type": "object",
        PRESERVE: True,
        RULES: [{"rule": "has(self.a)", "message": "a"}],
    },
    "the rule walks a list or map without a bound": {
        "type": "array",
        "items": {"type": "string"},
        RULES: [{"rule": "self.all(a, a != '')", "message": "a"}],
    },
    "the rule is in a list or map without a bound": {
        "type": "array",
        "items": {"type": "string", RULES: [{"rule": "self != ''", "message": "a"}]},
    },
    "the rule reads what a call gave": {
        "type": "string",
        RULES: [{"rule": "self.trim().lowerAscii() != ''", "message": "a"}],
    },
    "the rule splits a text without a bound": {
        "type": "string",
        RULES: [{"rule": "self.split('/').exists(a, a == '')", "message": "a"}],
    },
    "the rule costs too much": {
        "type": "array",
        "maxItems": 1000,
        "items": {
            "type": "array",
            "maxItems": 1000,
            "items": {"type": "string", RULES: [{"rule": "self != ''", "message": "a"}]},
        },
    },
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_a_schema_that_is_not_structural_is_found_by_name(flaw):
    schema = {"type": "object", "properties": {"spec": BROKEN[flaw]}}
    found = [said.partition(": ")[2] for said in flaws(schema)]
    assert flaw in found, found


def test_metadata_is_left_to_the_cluster():
    schema = {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "string"}}}}}
    assert ".metadata: of metadata, only names may be limited" in list(flaws(schema))


def versions():
    """The versions of Kubernetes from the oldest that the chart takes."""
    directory = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    names = {match[1] for path in directory.iterdir() if (match := re.match(r"v(1\.\d+)", path.name))}
    found = sorted((name for name in names if int(name[2:]) >= 27), key=lambda name: int(name[2:]))
    assert len(found) >= 8, found
    return found


@pytest.mark.parametrize("version", versions())
def test_every_definition_is_one_in_every_version_of_kubernetes(version):
    assert len(CRDS) == 19
    for path in CRDS:
        kubernetes_validate.validate(load(path), version, strict=True)


def test_a_definition_with_a_mistake_is_none():
    crd = load(CRDS[0])
    crd["spec"]["names"]["plurals"] = "agents"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(crd, versions()[-1], strict=True)


@pytest.mark.parametrize("path", CRDS, ids=lambda path: path.stem)
def test_every_column_shows_a_field(path):
    crd = load(path)
    (version,) = crd["spec"]["versions"]
    columns = version["additionalPrinterColumns"]
    assert columns[-1]["name"] == "Age"
    for column in columns:
        here = schema_of(crd)
        names = re.sub(r"\[\?\([^)]*\)\]", ".[]", column["jsonPath"]).split(".")[1:]
        for name in names:
            if here is schema_of(crd)["properties"]["metadata"]:
                assert name == "creationTimestamp"
                here = {"type": "string", "format": "date-time"}
            elif name == "[]":
                here = here["items"]
            elif name not in here["properties"] and here.get(PRESERVE):
                here = {"type": column["type"]}
            else:
                here = here["properties"][name]
        shown = "date" if here.get("format") == "date-time" else here["type"]
        assert column["type"] == shown, column["name"]


@pytest.mark.parametrize("path", CRDS, ids=lambda path: path.stem)
def test_every_kind_is_of_a_namespace_and_has_a_status_of_its_own(path):
    spec = load(path)["spec"]
    assert spec["scope"] == "Namespaced"
    (version,) = spec["versions"]
    assert version["subresources"] == {"status": {}}
    assert (version["name"], version["served"], version["storage"]) == ("v1alpha1", True, True)


def test_contents_are_free_only_where_they_are_somebody_elses():
    free = set()
    for path in CRDS:
        crd = load(path)
        kind = crd["spec"]["names"]["kind"]
        for place, part, _ in below(schema_of(crd)):
            if part.get(PRESERVE) and not place.startswith(".status"):
                free.add(f"{kind}{place}")
    assert free == {
        "Agent.spec.config",
        "Agent.spec.resources",
        "Agent.spec.runtime",
        "AgentProvider.spec.adapter",
        "AgentProvider.spec.adapter.exec",
        "AgentRun.spec.execution.coordinates.git.submodules",
        "AgentRun.spec.execution.coordinates.workspace",
        "AgentRun.spec.runtime.config",
        "AgentRun.spec.runtimeOverrides",
        "ApprovalPolicy.spec",
        "Budget.spec.limits",
        "Orchestration.spec.policies",
        "Orchestration.spec.steps[]",
        "Signal.spec",
        "Signal.spec.payload",
        "SignalDelivery.spec.payload",
        "ToolRun.spec.runtime",
    }


def test_the_page_names_every_kind():
    page = (CRDS[0].parents[1] / "docs/crds.md").read_text()
    rows = {tuple(cell.strip(" `") for cell in line.split("|")[1:4]) for line in page.splitlines() if line.startswith("|")}
    for path in CRDS:
        spec = load(path)["spec"]
        assert (spec["names"]["kind"], spec["group"], spec["names"]["shortNames"][0]) in rows


def closed(schema, path=""):
    """The schema in the words of JSON Schema, in which unknown fields are errors."""
    if path == ".metadata":
        return {key: value for key, value in schema.items() if not key.startswith("x-")}
    made = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {name: closed(inner, f"{path}.{name}") for name, inner in value.items()}
        elif key in ("items", "additionalProperties"):
            made[key] = closed(value, f"{path}[]")
        elif key == INT_OR_STRING:
            made["type"] = ["integer", "string"]
        elif key not in ("default", "nullable") and not key.startswith("x-"):
            made[key] = value
    if schema.get("nullable"):
        made["type"] = [schema["type"], "null"]
    if "properties" in schema and not schema.get(PRESERVE):
        made["additionalProperties"] = False
    return made


@functools.cache
def validators():
    crds = [load(path) for path in CRDS]
    return {
        crd["spec"]["names"]["kind"]: jsonschema.Draft202012Validator(closed(schema_of(crd)))
        for crd in crds
    }


def errors(value):
    return [error.message for error in validators()[value["kind"]].iter_errors(value)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_as_its_schema_says(path):
    assert errors(load(path)) == []


def written(row):
    """An example with the one thing in it that a cluster refuses."""
    example, pointer, value, _ = row
    value_of = {
        "letters": lambda count: "a" * count,
        "items": lambda count: [value.get("of", "a")] * count,
        "fields": lambda count: {str(number): "a" for number in range(count)},
    }
    if isinstance(value, dict):
        for key, make in value_of.items():
            if key in value:
                value = make(value[key])
                break
    made = load(ROOT / f"charts/agents/examples/{example}.yaml")
    *parents, last = pointer.split("/")[1:]
    here = made
    for key in parents:
        here = here[int(key)] if isinstance(here, list) else here.setdefault(key, {})
    if isinstance(here, list):
        here[int(last)] = value
    elif value is None:
        del here[last]
    else:
        here[last] = value
    return made


def messages():
    for path in CRDS:
        for _, part, _ in below(schema_of(load(path))):
            for rule in part.get(RULES, []):
                yield rule["message"]


def test_schemas_refuse_what_is_theirs_to_refuse_and_leave_the_rest_to_rules():
    rules = set(messages())
    rows = load(REFUSED)
    assert len(rows) > 100
    for row in rows:
        is_for_rules = any(row[3] in message for message in rules)
        assert len(errors(written(row))) == (0 if is_for_rules else 1), row


CREDENTIALS = {
    "token": {"token": {"secretRef": {"name": "a"}, "type": "fine_grained"}},
    "app": {"app": {"appId": "1", "installationId": "2", "privateKeySecretRef": {"name": "a"}}},
    "ssh": {"ssh": {"privateKeySecretRef": {"name": "a"}, "knownHostsConfigMapRef": {"name": "b"}}},
    "none": {},
}


@pytest.mark.parametrize("method", CREDENTIALS)
def test_the_provider_that_the_chart_makes_is_as_its_schema_says(method):
    auth = {"method": method, **CREDENTIALS[method]}
    policy = {"allow": ["acme/*"], "deny": ["acme/secrets"]}
    values = {"versionControlProvider": {"enabled": True, "auth": auth, "repositoryPolicy": policy}}
    assert errors(render(values).one("VersionControlProvider")) == []
