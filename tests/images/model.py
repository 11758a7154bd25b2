"""The API of a model that has one command carried out and then says so: Anthropic Messages and OpenAI Responses.

The smallest of what `tests/src/model_api.rs` is, for containers that share the network of the test.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

NEXT = count(1)


def unique(prefix):
    return f"{prefix}{next(NEXT):012x}"


def messages(request, command, text):
    """An answer of the Messages API: a stream of events."""
    if command:
        block = {"type": "tool_use", "id": unique("toolu_"), "name": "Bash", "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps({"command": command, "description": "a step"})}
    else:
        block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": text}
    message = {
        "id": unique("msg_"), "type": "message", "role": "assistant", "model": request.get("model"), "content": [],
        "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 1, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 20},
    }
    yield "message_start", {"message": message}
    yield "content_block_start", {"index": 0, "content_block": block}
    yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    stop = "tool_use" if command else "end_turn"
    yield "message_delta", {"delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 20}}
    yield "message_stop", {}


def shell_call(request, command):
    """A call of the tool for commands that codex offers, by whichever name."""
    offered = {tool.get("name", tool.get("type")) for tool in request.get("tools", [])}
    item = {"id": unique("fc_"), "type": "function_call", "call_id": unique("call_"), "status": "completed"}
    if "exec_command" in offered:
        return item | {"name": "exec_command", "arguments": json.dumps({"cmd": command, "yield_time_ms": 30000})}
    if "shell_command" in offered:
        return item | {"name": "shell_command", "arguments": json.dumps({"command": command})}
    if "exec" in offered:
        code = f"const r = await tools.exec_command({{cmd: {json.dumps(command)}}}); text(r.output);"
        return item | {"type": "custom_tool_call", "name": "exec", "input": code}
    return item | {"name": "shell", "arguments": json.dumps({"command": ["bash", "-lc", command]})}


def responses(request, command, text):
    """An answer of the Responses API: a stream of events."""
    response = {"id": unique("resp_"), "object": "response", "created_at": 1700000000, "model": request.get("model"), "status": "in_progress", "output": []}
    yield "response.created", {"response": response}
    if command:
        item = shell_call(request, command)
        yield "response.output_item.added", {"output_index": 0, "item": item | {"status": "in_progress"}}
    else:
        item = {"id": unique("msg_"), "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        yield "response.output_item.added", {"output_index": 0, "item": item}
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        yield "response.content_part.added", place | {"part": {"type": "output_text", "text": "", "annotations": []}}
        yield "response.output_text.delta", place | {"delta": text}
        yield "response.output_text.done", place | {"text": text}
        item = item | {"status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}
    yield "response.output_item.done", {"output_index": 0, "item": item}
    usage = {
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 20}, "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 7}, "total_tokens": 120,
    }
    yield "response.completed", {"response": response | {"status": "completed", "output": [item], "usage": usage}}


class Model:
    """Listens on a free port of 127.0.0.1 as long as it is entered."""

    def __init__(self, command, text):
        self.command, self.text, self.requests = command, text, []

    def __enter__(self):
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def send(self, status, kind, body):
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_GET(self):
                self.send(200, "application/json", b'{"data": [], "models": []}')

            do_HEAD = do_GET

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                path = self.path.split("?")[0]
                if path.endswith("/count_tokens"):
                    return self.send(200, "application/json", b'{"input_tokens": 100}')
                answer = messages if path.endswith("/messages") else responses
                # Only the first question that offers tools is answered by a call: others are about titles and the like.
                command = None
                if request.get("tools") and not any(it.get("tools") for it in model.requests):
                    command = model.command
                model.requests.append(request)
                stream = "".join(f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n" for name, data in answer(request, command, model.text))
                return self.send(200, "text/event-stream", stream.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
