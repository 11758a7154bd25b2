"""A git repository over HTTP, for whoever has the token, and over SSH, for whoever has the key."""

import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BACKEND = Path(subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()) / "git-http-backend"


def git(*arguments):
    identity = {"user.name": "t", "user.email": "t@example.com", "init.defaultBranch": "main"}
    options = [part for key, value in identity.items() for part in ("-c", f"{key}={value}")]
    result = subprocess.run(["git", *options, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, f"git {arguments}: {result.stderr}"


def repository(directory, name, branch):
    """A bare repository `served/<name>.git` with one commit on this branch, in which README says so."""
    work, bare = directory / "work", directory / f"served/{name}.git"
    git("init", "--quiet", work)
    (work / "README").write_text(f"of {branch}\n")
    git("-C", work, "add", ".")
    git("-C", work, "commit", "--quiet", "-m", "first")
    git("-C", work, "branch", "-M", branch)
    git("clone", "--quiet", "--bare", work, bare)
    return bare


class HttpServer:
    """Listens on a free port of 127.0.0.1 as long as it is entered."""

    def __init__(self, root, token):
        self.root, self.token = root, token

    def __enter__(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                said = base64.b64decode(self.headers.get("authorization", "").removeprefix("Basic ")).decode()
                if not said.endswith(f":{server.token}"):
                    return self.answer(401, [("www-authenticate", 'Basic realm="git"')], b"")
                path, _, query = self.path.partition("?")
                env = os.environ | {
                    "GIT_PROJECT_ROOT": str(server.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("content-type", ""),
                    "CONTENT_LENGTH": self.headers.get("content-length", ""), "REMOTE_USER": "t",
                }
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                result = subprocess.run([BACKEND], env=env, input=body, capture_output=True)
                head, _, body = result.stdout.partition(b"\r\n\r\n")
                headers = [line.split(": ", 1) for line in head.decode().split("\r\n")]
                status = next((value.split()[0] for name, value in headers if name == "Status"), 200)
                return self.answer(int(status), [it for it in headers if it[0] != "Status"], body)

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class SshServer:
    """sshd on a port of 127.0.0.1 as long as it is entered; `key` and `known_hosts` are what a client needs."""

    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        directory = self.directory
        for name in ["host", "client"]:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
        Path("/run/sshd").mkdir(exist_ok=True)
        # One that was free a moment ago: sshd says nothing of a port that it chose itself.
        with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as it:
            port = it.server_port
        (directory / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {directory}/host\nAuthorizedKeysFile {directory}/client.pub\n"
            "UsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n"
        )
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", directory / "sshd_config"], stderr=subprocess.PIPE)
        for line in self.process.stderr:
            if b"Server listening" in line:
                break
        # Nobody reads the rest, and it is not to wait for a reader.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self.url = f"ssh://{user}@127.0.0.1:{port}{directory}/served"
        self.key = (directory / "client").read_bytes()
        kind, key = (directory / "host.pub").read_text().split()[:2]
        self.known_hosts = f"[127.0.0.1]:{port} {kind} {key}\n".encode()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)
