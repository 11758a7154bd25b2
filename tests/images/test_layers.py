"""What is in the images, and what is not."""

import re

import pytest

from image import FAKE, IMAGES, RUNNER, VERSION, files, inspected, layers

LABELS = ["title", "description", "source", "documentation", "licenses", "vendor", "version", "revision", "created"]


@pytest.fixture(params=IMAGES)
def image(request):
    return request.param


def test_labels_say_what_it_is(image):
    labels = inspected(image)["Config"]["Labels"]
    for label in LABELS:
        assert labels[f"org.opencontainers.image.{label}"], label
    assert labels["org.opencontainers.image.version"] == VERSION
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels["org.opencontainers.image.revision"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["org.opencontainers.image.created"])


def test_the_entrypoint_is_the_runner_and_the_user_a_number(image):
    config = inspected(image)["Config"]
    assert config["Entrypoint"] == [RUNNER]
    assert "Cmd" not in config or not config["Cmd"]
    assert config["User"] == "10001:0"
    assert config["WorkingDir"] == "/workspace"


def test_variables_are_those_of_the_contract(image):
    env = dict(variable.split("=", 1) for variable in inspected(image)["Config"]["Env"])
    assert env.pop("HOME") == "/home/agent"
    assert "/usr/local/bin" in env.pop("PATH").split(":")
    own = {"runner": {}, "codex": {"LANG": "C.UTF-8"}}.get(image, {"LANG": "C.UTF-8", "DISABLE_AUTOUPDATER": "1"})
    assert env == own


def test_the_scripted_app_server_is_a_link_to_the_runner(image):
    entry = files(image)[FAKE]
    assert entry.link == "agent-runner"
    assert files(image)[RUNNER].mode & 0o7777 == 0o755


def test_no_program_has_more_rights_than_its_user(image):
    assert [path for path, entry in files(image).items() if entry.is_file and entry.mode & 0o6000] == []


def test_nobody_may_write_where_it_is_not_for_everybody(image):
    loose = [path for path, entry in files(image).items() if (entry.is_file or entry.is_dir) and entry.mode & 0o002 and not entry.mode & 0o1000]
    assert loose == []


def test_every_user_of_group_0_has_the_directories_of_a_run(image):
    expected = ["/workspace", "/workspace/.agent", "/workspace/repo", "/home/agent"] + (["/root/.codex"] if image != "runner" else [])
    for path in expected:
        entry = files(image)[path]
        assert (entry.gid, entry.mode & 0o070) == (0, 0o070), path
    assert files(image)["/tmp"].mode & 0o7777 == 0o1777


def test_the_smoke_run_has_left_nothing(image):
    left = [path for path in files(image) if re.match(r"/(workspace|home/agent|root/\.codex)/", path)]
    assert sorted(left) == ["/workspace/.agent", "/workspace/repo"]
    assert [path for path in files(image) if path.startswith("/tmp/")] == []


def test_there_is_no_node_js_and_no_npm(image):
    assert [path for path in files(image) if path.rpartition("/")[2] in ("node", "nodejs", "npm", "npx")] == []


def test_the_runner_s_image_has_nothing_else():
    found = sorted(path for path, entry in files("runner").items() if not entry.is_dir)
    share = "/usr/local/share/agent-runner"
    assert found == ["/etc/group", "/etc/passwd", RUNNER, FAKE, f"{share}/prepare", f"{share}/smoke.json"]


# Files that hold credentials, whatever is in them.
NAMES = re.compile(
    r"/(\.npmrc|\.netrc|\.git-credentials|\.pypirc|\.dockercfg|auth\.json|\.credentials\.json|\.claude\.json|credentials\.json|id_rsa|id_ed25519|id_ecdsa)$"
    r"|/\.(aws|docker|kube|ssh|npm)/"
)
SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\r\n]{64}|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bsk-ant-[A-Za-z0-9-]{20}|\bsk-[A-Za-z0-9]{40}\b"
    rb"|\bAKIA[0-9A-Z]{16}\b|\bxox[bp]-[0-9A-Za-z-]{20}|\bnpm_[A-Za-z0-9]{36}\b|://(?!user:|username:)[^/\s:@{}$<>%]+:[^/\s:@{}$<>]{4,}@(?!example)[a-z0-9]"
)


def test_no_layer_has_a_secret(image):
    found = []
    for number, layer in enumerate(layers(image)):
        found += [(number, path) for path, entry in layer.entries.items() if entry.is_file and NAMES.search(path)]
        found += [(number, path, match[0][:12]) for path, text in layer.texts.items() if (match := SECRETS.search(text))]
    assert found == []


def test_no_step_of_the_history_has_a_secret(image):
    history = "\n".join(step.get("created_by", "") for step in inspected(image)["History"])
    assert not SECRETS.search(history.encode())
    assert "NPM_CONFIG_REGISTRY" not in history
