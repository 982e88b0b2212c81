"""A small client of the language server protocol over standard input and output: what an editor does, without one.

Takes the command of a server and its settings; gives what an editor would show: diagnostics, completion, hover. Knows
nothing of YAML or of this tool.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

Json: TypeAlias = Any
PATIENCE = 60.0
"""Seconds to wait for an answer, on a machine that has much else to do."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What an editor underlines.

    Attributes:
        line: where it begins, from 1.
        message: what it says.
        severity: 1 for an error, 2 for a warning.
    """

    line: int
    message: str
    severity: int


@dataclass(frozen=True, slots=True)
class Item:
    """What an editor offers.

    Attributes:
        label: as it is listed.
        text: what is inserted, with the place holders of a snippet.
        documentation: what is shown beside it.
        is_snippet: whether it is more than one word to insert.
    """

    label: str
    text: str
    documentation: str
    is_snippet: bool


class ServerError(Exception):
    """The server refused a request, or did not answer."""


class LanguageServer:
    """A running server with files open in it.

    Args:
        command: how to start it; it has to speak over standard input and output.
        settings: what it is told when it asks for configuration, by section.
    """

    def __init__(self, command: Sequence[str], settings: Mapping[str, Json]) -> None:
        self._settings = settings
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._buffer = b""
        self._number = 0
        self._files = 0
        self._published: dict[str, list[Json]] = {}

    def __enter__(self) -> Self:
        snippets = {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown", "plaintext"]}}
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {"completion": snippets, "hover": {"contentFormat": ["markdown"]}},
        }
        self._request("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities})
        self._notify("initialized", {})
        self._notify("workspace/didChangeConfiguration", {"settings": dict(self._settings)})
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            self._request("shutdown", None)
            self._notify("exit", None)
            self._process.wait(10)
        except (ServerError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        finally:
            self._selector.close()
            self._in.close()
            self._out.close()

    # --- what an editor does ---

    def diagnostics(self, path: Path, text: str) -> tuple[Diagnostic, ...]:
        """What is underlined in a file with this text, whatever stands on the disk; in the order of its lines."""
        uri = self._opened(path, text)
        limit = time.monotonic() + PATIENCE
        while uri not in self._published:
            self._take(self._message(limit))
        found = [
            Diagnostic(one["range"]["start"]["line"] + 1, one["message"], one.get("severity", 1))
            for one in self._published[uri]
        ]
        self._closed(uri)
        return tuple(sorted(found, key=lambda one: (one.line, one.message)))

    def completion(self, path: Path, text: str) -> dict[str, Item]:
        """What is offered where ``|`` stands in the text, by label."""
        uri, position = self._at_cursor(path, text)
        answer = self._request("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        self._closed(uri)
        listed = answer["items"] if isinstance(answer, dict) else answer
        return {
            one["label"]: Item(
                one["label"],
                one["textEdit"]["newText"] if "textEdit" in one else one.get("insertText", one["label"]),
                _plain(one.get("documentation", "")),
                one.get("kind") == 15 or (one.get("insertTextFormat") == 2 and "$" in one.get("insertText", "")),
            )
            for one in listed or ()
        }

    def hover(self, path: Path, text: str) -> str:
        """What is shown where ``|`` stands in the text; empty when nothing is."""
        uri, position = self._at_cursor(path, text)
        answer = self._request("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
        self._closed(uri)
        return _plain(answer["contents"]) if answer else ""

    # --- files ---

    def _at_cursor(self, path: Path, text: str) -> tuple[str, Json]:
        before, cursor, after = text.partition("|")
        assert cursor, "the text says nowhere where the cursor is"
        lines = before.split("\n")
        uri = self._opened(path, before + after)
        return uri, {"line": len(lines) - 1, "character": len(lines[-1])}

    def _opened(self, path: Path, text: str) -> str:
        # Under a name of its own each time: what the server says late of an earlier text is then never taken for this.
        self._files += 1
        uri = path.with_name(f"{path.stem}.{self._files}{path.suffix}").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def _closed(self, uri: str) -> None:
        self._notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    # --- messages ---

    def _request(self, method: str, params: Json) -> Json:
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        limit = time.monotonic() + PATIENCE
        while True:
            message = self._message(limit)
            if message.get("id") == number and "method" not in message:
                if "error" in message:
                    raise ServerError(f"{method}: {message['error']}")
                return message["result"]
            self._take(message)

    def _notify(self, method: str, params: Json) -> None:
        self._send({"method": method, "params": params})

    def _take(self, message: Json) -> None:
        """Answer what the server asks, and keep what it publishes."""
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            self._published[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message and method is not None:
            result: Json = None
            if method == "workspace/configuration":
                result = [self._settings.get(item.get("section", "")) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": result})

    def _send(self, message: Mapping[str, Json]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._in.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def _message(self, limit: float) -> Json:
        """The next message of the server."""
        while True:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if found:
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                if len(rest) >= length:
                    self._buffer = rest[length:]
                    return json.loads(rest[:length])
            if not self._selector.select(max(0.0, limit - time.monotonic())):
                raise ServerError(f"no answer within {PATIENCE:.0f} s")
            part = os.read(self._out.fileno(), 65536)
            if not part:
                raise ServerError("the server has ended")
            self._buffer += part


def _plain(content: Json) -> str:
    """Documentation as text, in whichever of the protocol's forms it came."""
    if isinstance(content, list):
        return "\n".join(_plain(one) for one in content)
    if isinstance(content, dict):
        return str(content["value"])
    return str(content)
