#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""model.py STEPS DIR - the model that an agent talks to in a test: it has no mind of its own.

On loopback, at a free port, it speaks what the agents speak: OpenAI's Responses (codex) and Chat
Completions (opencode), Anthropic's Messages (claude), Gemini's streamGenerateContent (gemini). A
request holds the whole conversation: as many results of tools as are in it, so many lines of STEPS
have been done, and the answer asks for the next one; when all are done it is a closing text.

A line of STEPS is `sh COMMAND` (the agent's shell tool) or `read PATH` (the agent's own tool to read a
file; one that has none is asked to cat it).

DIR gets: port; N.result, what step N told the model; N.request, the body of the Nth request.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

CLOSING = "All steps are done."

# A tool's name, and its arguments for a command or a path. The first that the agent offers is used.
SHELLS = {
    "exec_command": lambda text: {"cmd": text, "yield_time_ms": 30000},
    "shell_command": lambda text: {"command": text},
    "shell": lambda text: {"command": ["bash", "-lc", text]},
    "Bash": lambda text: {"command": text, "description": "a step"},
    "run_shell_command": lambda text: {"command": text, "description": "a step"},
    "bash": lambda text: {"command": text, "description": "a step"},
}
READERS = {
    "Read": lambda path: {"file_path": path},
    "read_file": lambda path: {"file_path": path},
    "read": lambda path: {"filePath": path},
}


def call_for(step, tools):
    """(tool, arguments) for a line of STEPS, or None if the agent offers no shell."""
    kind, text = step.split(" ", 1)
    if kind == "read":
        for name, arguments in READERS.items():
            if name in tools:
                return name, arguments(text)
        text = f"cat '{text}'"
    for name, arguments in SHELLS.items():
        if name in tools:
            return name, arguments(text)
    return None


def text_of(value):
    """All text in a result, whatever it is wrapped in."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(text_of(part) for part in value)
    if isinstance(value, dict):
        return "\n".join(text_of(part) for key, part in value.items() if key not in ("type", "id"))
    return ""


class Responses:
    """OpenAI Responses."""

    @staticmethod
    def results(body):
        return [text_of(item.get("output")) for item in body.get("input", [])
                if isinstance(item, dict) and item.get("type", "").endswith("_call_output")]

    @staticmethod
    def tools(body):
        return {tool.get("name", "") for tool in body.get("tools", [])}

    @staticmethod
    def answer(number, call, text):
        if call:
            item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}",
                    "name": call[0], "arguments": json.dumps(call[1])}
        else:
            item = {"type": "message", "id": f"msg_{number}", "role": "assistant",
                    "content": [{"type": "output_text", "text": text, "annotations": []}]}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        response = {"id": f"resp_{number}", "object": "response", "output": []}
        for event in (
                {"type": "response.created", "response": response},
                {"type": "response.output_item.added", "output_index": 0, "item": item},
                {"type": "response.output_item.done", "output_index": 0, "item": item},
                {"type": "response.completed",
                 "response": {**response, "status": "completed", "output": [item], "usage": usage}}):
            yield event["type"], event


class Chat:
    """OpenAI Chat Completions."""

    @staticmethod
    def results(body):
        return [text_of(message.get("content")) for message in body.get("messages", [])
                if message.get("role") == "tool"]

    @staticmethod
    def tools(body):
        return {tool.get("function", {}).get("name", "") for tool in body.get("tools", [])}

    @staticmethod
    def answer(number, call, text):
        if call:
            delta = {"role": "assistant", "tool_calls": [
                {"index": 0, "id": f"call_{number}", "type": "function",
                 "function": {"name": call[0], "arguments": json.dumps(call[1])}}]}
        else:
            delta = {"role": "assistant", "content": text}
        for part, reason in (delta, None), ({}, "tool_calls" if call else "stop"):
            yield None, {"id": f"chat_{number}", "object": "chat.completion.chunk", "created": 0,
                         "model": "scripted",
                         "choices": [{"index": 0, "delta": part, "finish_reason": reason}]}
        yield None, "[DONE]"


class Messages:
    """Anthropic Messages."""

    @staticmethod
    def results(body):
        return [text_of(part.get("content")) for message in body.get("messages", [])
                if isinstance(message.get("content"), list)
                for part in message["content"] if part.get("type") == "tool_result"]

    @staticmethod
    def tools(body):
        return {tool.get("name", "") for tool in body.get("tools", [])}

    @staticmethod
    def answer(number, call, text):
        if call:
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": call[0], "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
        else:
            block = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": text}
        usage = {"input_tokens": 1, "output_tokens": 1}
        for event in (
                {"type": "message_start",
                 "message": {"id": f"msg_{number}", "type": "message", "role": "assistant",
                             "model": "scripted", "content": [], "stop_reason": None,
                             "stop_sequence": None, "usage": usage}},
                {"type": "content_block_start", "index": 0, "content_block": block},
                {"type": "content_block_delta", "index": 0, "delta": delta},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "usage": usage,
                 "delta": {"stop_reason": "tool_use" if call else "end_turn",
                           "stop_sequence": None}},
                {"type": "message_stop"}):
            yield event["type"], event


class Gemini:
    """Gemini streamGenerateContent."""

    @staticmethod
    def results(body):
        return [text_of(part["functionResponse"].get("response"))
                for content in body.get("contents", [])
                for part in content.get("parts", []) if "functionResponse" in part]

    @staticmethod
    def tools(body):
        return {function.get("name", "") for tool in body.get("tools", [])
                for function in tool.get("functionDeclarations", [])}

    @staticmethod
    def answer(number, call, text):
        part = {"functionCall": {"name": call[0], "args": call[1]}} if call else {"text": text}
        yield None, {"candidates": [{"content": {"role": "model", "parts": [part]},
                                     "finishReason": "STOP", "index": 0}],
                     "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1,
                                       "totalTokenCount": 2}}


def protocol_of(path):
    path = path.split("?")[0]
    for end, protocol in ((("/responses", Responses), ("/chat/completions", Chat),
                           ("/messages", Messages), (":streamGenerateContent", Gemini))):
        if path.endswith(end):
            return protocol
    return None


class Model(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, steps, directory):
        super().__init__(("127.0.0.1", 0), Request)
        self.steps, self.directory = steps, directory
        self.lock, self.requests = Lock(), 0

    def keep(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    def next(self, protocol, body):
        """The number of this request, and the call that it is answered with: None at the end."""
        with self.lock:
            self.requests += 1
            self.keep(f"{self.requests}.request", json.dumps(body, indent=1))
            results, call = protocol.results(body), None
            for number, result in enumerate(results, 1):
                self.keep(f"{number}.result", result + "\n")
            if len(results) < len(self.steps):
                call = call_for(self.steps[len(results)], protocol.tools(body))
            return self.requests, call


class Request(BaseHTTPRequestHandler):
    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def do_GET(self):
        self.reply("application/json", "{}")

    def do_HEAD(self):
        self.reply("application/json", "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        protocol = protocol_of(self.path)
        if not protocol:  # what an agent asks besides, as countTokens
            self.reply("application/json", "{}")
            return
        number, call = self.server.next(protocol, json.loads(body))
        events = []
        for event, data in protocol.answer(number, call, CLOSING):
            data = data if isinstance(data, str) else json.dumps(data)
            events.append((f"event: {event}\n" if event else "") + f"data: {data}\n\n")
        self.reply("text/event-stream", "".join(events))

    def reply(self, kind, text):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: model.py STEPS DIR")
    with open(sys.argv[1], encoding="utf-8") as file:
        steps = [line.rstrip("\n") for line in file if line.strip()]
    os.makedirs(sys.argv[2], exist_ok=True)
    model = Model(steps, sys.argv[2])
    # Whoever waits for it finds it whole.
    model.keep("port.new", f"{model.server_port}\n")
    os.rename(os.path.join(sys.argv[2], "port.new"), os.path.join(sys.argv[2], "port"))
    model.serve_forever()


main()
