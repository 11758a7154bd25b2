"""The table of requirements speaks of values that there are."""

import re

from chart import CHART
from generate import read_values

TEXT = (CHART / "docs/requirements.md").read_text()


def names(values):
    for value in values:
        yield value.name
        yield from names(value.children)


VALUES = set(names(read_values((CHART / "values.yaml").read_text())))
TOP = {name for name in VALUES if "." not in name}


def rows():
    """Cells of every row that says where something is."""
    for section in TEXT.split("\n## ")[1:]:
        if "| Named | Here | Note |" in section:
            for line in section.splitlines():
                if line.startswith("| ") and not line.startswith(("| Named", "|---")):
                    yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_every_row_says_where_or_why():
    assert len(list(rows())) > 130
    for row in rows():
        assert len(row) == 3, row
        named, here, note = [cell.strip(" |") for cell in row]
        assert named and here, row
        assert here not in {"–", "-"} or note, row


def test_every_value_that_is_named_is_there():
    found = 0
    for _, here, note in rows():
        for name in re.findall(r"`([a-zA-Z]+(?:\.[a-zA-Z]+)*)`", here + note):
            if name.split(".")[0] in TOP and not name.startswith("agents."):
                assert name in VALUES, name
                found += 1
    assert found > 150


def test_every_file_that_is_named_is_there():
    for name in re.findall(r"`((?:values-[a-z-]+|templates/[\w./-]+|scripts/[\w./-]+|docs/[\w.-]+)\.(?:yaml|tpl|sh|md))`", TEXT):
        if name != "scripts/agents/kind-e2e.sh":
            assert (CHART / name).exists(), name
