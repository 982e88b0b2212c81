"""GitHub, as far as jobs speak with it: comments, issues, pull requests, runs and what they kept, and git, over HTTP.

It is told apart who asks: every token belongs to somebody and has the permissions that a job asked for, and what a
permission does not allow is answered 403, as GitHub does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import os
import re
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "acme/desk"
BOT = "github-actions[bot]"

Query = Mapping[str, str]


@dataclass
class Token:
    """Who asks, and what they may."""

    login: str
    permissions: Mapping[str, str] = field(default_factory=dict)

    def may(self, scope: str, level: str) -> bool:
        allowed = self.permissions.get(scope, "none")
        return allowed == "write" or (allowed == "read" and level == "read")


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class GitHub:
    """One repository and its server."""

    def __init__(self) -> None:
        self.url = ""
        self.origin = Path()
        """The bare repository."""
        self.tokens: dict[str, Token] = {}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.files: dict[int, list[dict[str, Any]]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.issues: dict[int, dict[str, Any]] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.artifacts: dict[int, tuple[int, str, bytes]] = {}
        """By id: run, name, zip."""
        self.kept_at: dict[int, str] = {}
        self.expired: set[int] = set()
        self.asked: list[tuple[str, str]] = []
        self.largest_page = 100
        self._last = 1000

    def new_id(self) -> int:
        self._last += 1
        return self._last

    def now(self) -> str:
        """The time, which passes with every look at it, as GitHub writes it."""
        moment = timedelta(seconds=self.new_id()) + datetime(2026, 1, 1, tzinfo=UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def keep(self, run: int, name: str, files: Mapping[str, bytes]) -> None:
        """What upload-artifact does, with overwrite."""
        for number in [key for key, (of, called, _) in self.artifacts.items() if (of, called) == (run, name)]:
            del self.artifacts[number]
        number = self.new_id()
        self.artifacts[number] = (run, name, packed(files))
        self.kept_at[number] = self.now()

    def kept(self, run: int, name: str) -> dict[str, bytes]:
        """What download-artifact gives."""
        (found,) = (data for of, called, data in self.artifacts.values() if (of, called) == (run, name))
        with zipfile.ZipFile(io.BytesIO(found)) as archive:
            return {member: archive.read(member) for member in archive.namelist()}

    def open_with(self, head: str) -> list[dict[str, Any]]:
        """What a run tells as its pull requests: those that are open with the same head, whichever it is for."""
        return [
            {"number": pull["number"], "base": dict(pull["base"]), "head": {"ref": pull["head"]["ref"], "sha": head}}
            for pull in self.pulls.values()
            if pull["head"]["sha"] == head and not pull["merged_at"]
        ]

    def bodies(self, number: int, login: str = BOT) -> list[str]:
        return [item["body"] for item in self.comments.get(number, []) if item["user"]["login"] == login]

    def say(self, number: int, login: str, body: str) -> dict[str, Any]:
        item = {
            "id": self.new_id(), "user": {"login": login}, "body": body,
            "html_url": f"https://github.example/{REPOSITORY}/issues/{number}#{self._last}",
        }  # fmt: skip
        self.comments.setdefault(number, []).append(item)
        return item

    def who(self, header: str) -> Token:
        token = self.tokens.get(header.removeprefix("Bearer "))
        if token is None:
            raise Refused(401, "Bad credentials")
        return token

    def may_reach(self, header: str, *, pushes: bool) -> int:
        """Whether a job may fetch or push, by the token that its git sends; 0, or the status of the refusal."""
        try:
            _, _, secret = base64.b64decode(header.partition(" ")[2]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            secret = ""
        token = self.tokens.get(secret)
        if not header.lower().startswith("basic ") or token is None:
            return 401
        return 0 if token.may("contents", "write" if pushes else "read") else 403

    # --- answering ----------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: Query, body: dict[str, Any], token: Token) -> Any:
        for wanted, pattern, scope, route in self._routes():
            match = re.fullmatch(pattern, path)
            if match and wanted == method:
                scopes = scope.split("|")
                level = "read" if method == "GET" else "write"
                if not any(token.may(one, level) for one in scopes):
                    raise Refused(403, "Resource not accessible by integration")
                return route(match, query, body, token)
        raise Refused(404, f"Not Found: {method} {path}")

    def _routes(self) -> Iterator[tuple[str, str, str, Callable[..., Any]]]:
        both = "issues|pull-requests"
        yield "GET", r"issues/(\d+)/comments", both, self._list_comments
        yield "POST", r"issues/(\d+)/comments", both, self._add_comment
        yield "PATCH", r"issues/comments/(\d+)", both, self._edit_comment
        yield "GET", r"issues", "issues", self._list_issues
        yield "POST", r"issues", "issues", self._add_issue
        yield "PATCH", r"issues/(\d+)", "issues", self._edit_issue
        yield "GET", r"commits/([0-9a-f]+)/pulls", "pull-requests", self._pulls_of
        yield "GET", r"pulls/(\d+)/files", "pull-requests", self._files_of
        yield "GET", r"actions/workflows/([^/]+)/runs", "actions", self._runs_of
        yield "GET", r"actions/runs/(\d+)/artifacts", "actions", self._artifacts_of
        yield "GET", r"actions/artifacts/(\d+)/zip", "actions", self._zip_of

    def _page(self, items: list[Any], query: Query) -> list[Any]:
        size = min(int(query.get("per_page", "30")), self.largest_page)
        first = (int(query.get("page", "1")) - 1) * size
        return items[first : first + size]

    def _list_comments(self, match: re.Match[str], query: Query, _body: object, _token: Token) -> Any:
        return self._page(self.comments.get(int(match[1]), []), query)

    def _add_comment(self, match: re.Match[str], _query: Query, body: dict[str, Any], token: Token) -> Any:
        return self.say(int(match[1]), token.login, _bounded(body["body"]))

    def _edit_comment(self, match: re.Match[str], _query: Query, body: dict[str, Any], _token: Token) -> Any:
        (item,) = (one for many in self.comments.values() for one in many if one["id"] == int(match[1]))
        item["body"] = _bounded(body["body"])
        return item

    def _list_issues(self, _match: re.Match[str], query: Query, _body: object, _token: Token) -> Any:
        found = [
            item for item in self.issues.values()
            if item["state"] == query["state"]
        ]  # fmt: skip
        return self._page(found, query)

    def _add_issue(self, _match: re.Match[str], _query: Query, body: dict[str, Any], token: Token) -> Any:
        number = self.new_id()
        self.issues[number] = {
            "number": number, "state": "open", "user": {"login": token.login}, "title": body["title"],
            "body": _bounded(body["body"]), "html_url": f"https://github.example/{REPOSITORY}/issues/{number}",
        }  # fmt: skip
        return self.issues[number]

    def _edit_issue(self, match: re.Match[str], _query: Query, body: dict[str, Any], _token: Token) -> Any:
        self.issues[int(match[1])].update(body)
        return self.issues[int(match[1])]

    def _pulls_of(self, match: re.Match[str], query: Query, _body: object, _token: Token) -> Any:
        found = [
            pull
            for pull in self.pulls.values()
            if match[1] in (pull["merge_commit_sha"], pull["head"]["sha"])
        ]  # fmt: skip
        return self._page(found, query)

    def _files_of(self, match: re.Match[str], query: Query, _body: object, _token: Token) -> Any:
        return self._page(self.files[int(match[1])], query)

    def _runs_of(self, match: re.Match[str], query: Query, _body: object, _token: Token) -> Any:
        found = [
            run for run in self.runs.values()
            if run["path"].partition("@")[0].endswith(f"/{match[1]}")
            and all(run[name] == query[name] for name in ("event", "head_sha") if name in query)
        ]  # fmt: skip
        return {"total_count": len(found), "workflow_runs": self._page(found, query)}

    def _artifacts_of(self, match: re.Match[str], query: Query, _body: object, _token: Token) -> Any:
        found = [
            {
                "id": number,
                "name": name,
                "expired": number in self.expired,
                "created_at": self.kept_at[number],
                "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
                "workflow_run": {"id": run},
            }
            for number, (run, name, data) in self.artifacts.items()
            if run == int(match[1]) and query.get("name", name) == name
        ]
        return {"total_count": len(found), "artifacts": self._page(found, query)}

    def _zip_of(self, match: re.Match[str], _query: Query, _body: object, _token: Token) -> Any:
        return _Elsewhere(f"{self.url}/storage/{match[1]}")


@dataclass
class _Elsewhere:
    location: str


def packed(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _bounded(body: str) -> str:
    if len(body) > 65_536:
        raise Refused(422, "Body is too long (maximum is 65536 characters)")
    return body


@contextmanager
def served(github: GitHub) -> Iterator[GitHub]:
    """Serves it in a thread of this process, on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            data = self.rfile.read(length)
            parts = urlsplit(self.path)
            if parts.path.startswith(f"/{REPOSITORY}/"):
                return self._git(parts.path.removeprefix(f"/{REPOSITORY}"), parts.query, data)
            body = json.loads(data or b"{}")
            github.asked.append((self.command, parts.path))
            storage = re.fullmatch(r"/storage/(\d+)", parts.path)
            try:
                if storage:
                    # The artifact store is not GitHub, so it must not get the token.
                    assert "Authorization" not in self.headers
                    return self._write(200, github.artifacts[int(storage[1])][2])
                token = github.who(self.headers.get("Authorization", ""))
                below = parts.path.removeprefix(f"/repos/{REPOSITORY}/")
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                found = github.answer(self.command, below, query, body, token)
            except Refused as refusal:
                return self._write(refusal.status, json.dumps({"message": str(refusal)}).encode())
            if isinstance(found, _Elsewhere):
                return self._write(302, b"", found.location)
            return self._write(200, json.dumps(found).encode())

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the server looks for these names

        def _git(self, path: str, query: str, data: bytes) -> None:
            """Git's own server, behind the permissions of the token."""
            pushes = "git-receive-pack" in (path.rpartition("/")[2], parse_qs(query).get("service", [""])[0])
            status = github.may_reach(self.headers.get("Authorization", ""), pushes=pushes)
            if status:
                return self._write(status, b"Write access to repository not granted.", challenge=status == 401)
            done = subprocess.run(
                ["git", "http-backend"], input=data, capture_output=True, check=True,
                env={
                    "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
                    "GIT_PROJECT_ROOT": str(github.origin), "PATH_INFO": path, "GIT_HTTP_EXPORT_ALL": "1",
                    "REQUEST_METHOD": self.command, "QUERY_STRING": query, "REMOTE_USER": "job",
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(data)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )  # fmt: skip
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            answer = BytesParser().parsebytes(head + b"\r\n\r\n")
            self._write(int(answer.get("Status", "200").split()[0]), body, kind=answer["Content-Type"])
            return None

        def _write(
            self, status: int, data: bytes, location: str = "", *, kind: str = "", challenge: bool = False
        ) -> None:
            self.send_response(status)
            if kind:
                self.send_header("Content-Type", kind)
            if challenge:
                self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: object) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
        assert not thread.is_alive()
