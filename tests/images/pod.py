"""A pod of the chart in a container runtime: the same mounts, variables, command and restrictions, without a cluster."""

import base64
import re
import shutil
import subprocess
import time
from pathlib import Path

from chart import container, pod_of
from image import podman


class Pod:
    """`start`, then `stop` or `end`; the status is what the kubelet would read.

    `given` has the Secrets and ConfigMaps that are not the chart's: name to key to content.
    """

    def __init__(self, rendered, directory, image, user, given=None, network="none"):
        self.rendered, self.directory, self.image, self.user = rendered, Path(directory), image, user
        self.pod = pod_of(rendered)
        self.container = container(self.pod)
        self.given = given or {}
        self.name = f"agent-runner-test-{directory.name}-{time.monotonic_ns()}"
        self.network = network
        self.process = None
        # The kubelet makes it, for everybody to write to, and mounts it where the pod says.
        self.message = self.directory / "termination-message"
        self.message.touch()
        self.message.chmod(0o666)

    def data(self, volume):
        """The files of a volume that has any: path in the volume to contents."""
        kind, source = ("ConfigMap", volume["configMap"]) if "configMap" in volume else ("Secret", volume["secret"])
        name = source.get("name") or source["secretName"]
        if name in self.given:
            data = self.given[name]
        else:
            decode = str.encode if kind == "ConfigMap" else base64.b64decode
            data = {key: decode(text) for key, text in self.rendered.one(kind, name)["data"].items()}
        if "items" in source:
            return {item["path"]: data[item["key"]] for item in source["items"]}
        return data

    def volume(self, volume):
        """A directory as the kubelet makes it; gives the path of the files in it, too."""
        path = self.directory / "volumes" / volume["name"]
        path.mkdir(parents=True)
        if "emptyDir" in volume:
            path.chmod(0o777)
            return path, path
        # Contents are in a directory that is exchanged as a whole, and what is mounted are links into it.
        inner = path / "..2026_01_01_00_00_00.000000001"
        inner.mkdir()
        (path / "..data").symlink_to(inner.name)
        for name, content in self.data(volume).items():
            (inner / name).write_bytes(content)
            # Root's, and readable by the group of the pod.
            (inner / name).chmod(0o440 if "secret" in volume else 0o644)
            (path / name).symlink_to(f"..data/{name}")
        return path, inner

    def mounts(self):
        volumes = {volume["name"]: self.volume(volume) for volume in self.pod["spec"]["volumes"]}
        for mount in self.container["volumeMounts"]:
            path, inner = volumes[mount["name"]]
            source = inner / mount["subPath"] if "subPath" in mount else path
            yield f"{source}:{mount['mountPath']}{':ro' if mount.get('readOnly') else ''}"
        yield f"{self.message}:{self.container['terminationMessagePath']}"

    def field(self, path):
        label = re.fullmatch(r"metadata\.labels\['(.*)'\]", path)
        if label:
            # The rest of them is what a Job gives its pods.
            return self.pod["metadata"]["labels"].get(label[1], "job-1")
        return {"metadata.name": "pod-1", "metadata.namespace": "agents", "metadata.uid": "00000000-0000-4000-8000-000000000001"}[path]

    def variables(self):
        found = {}
        for variable in self.container["env"]:
            if "value" in variable:
                expanded = re.sub(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)", lambda it: found.get(it[1], it[0]), variable["value"])
            elif "fieldRef" in variable["valueFrom"]:
                expanded = self.field(variable["valueFrom"]["fieldRef"]["fieldPath"])
            else:
                reference = variable["valueFrom"]["secretKeyRef"]
                expanded = self.given[reference["name"]][reference["key"]].decode()
            found[variable["name"]] = expanded
        return found

    def restrictions(self):
        context = self.container["securityContext"]
        yield from ["--user", self.user]
        if context["readOnlyRootFilesystem"]:
            yield from ["--read-only", "--read-only-tmpfs=false"]
        if not context["allowPrivilegeEscalation"]:
            yield from ["--security-opt", "no-new-privileges"]
        for capability in context["capabilities"]["drop"]:
            yield from ["--cap-drop", capability.lower()]

    def start(self, *arguments):
        """Further arguments are for the container's command."""
        command = ["podman", "run", "--rm", "--name", self.name, "--network", self.network, "--entrypoint", self.container["command"][0]]
        command += ["--workdir", self.container["workingDir"], *self.restrictions()]
        for mount in self.mounts():
            command += ["--volume", mount]
        for name, value in self.variables().items():
            command += ["--env", f"{name}={value}"]
        command += [self.image, *self.container["command"][1:], *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return self

    def end(self, timeout=60):
        """Waits for the end; gives the exit code and what was said."""
        try:
            said, _ = self.process.communicate(timeout=timeout)
        finally:
            podman("rm", "--force", "--time", 0, "--ignore", self.name)
        return self.process.returncode, said.decode(errors="replace")

    def stop(self):
        """As the kubelet does: TERM, and KILL after the grace period. Gives how long it took."""
        begun = time.monotonic()
        podman("stop", "--time", self.pod["spec"]["terminationGracePeriodSeconds"], self.name, timeout=600)
        return time.monotonic() - begun

    def await_process(self, word):
        await_process(self.name, word)


def await_process(name, word, patience=30):
    """Waits until a process of the container has this word in its command line."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        listed = podman("top", name, "args", check=False)
        if listed.returncode == 0 and any(word in line for line in listed.stdout.splitlines()[1:]):
            return
        time.sleep(0.1)
    raise AssertionError(f"`{word}` never ran in {name}: {listed.stdout}{listed.stderr}")


assert shutil.which("podman"), "there is no podman: tests/images/run installs it"
