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
from urllib.parse import parse_qs, unquote, urlsplit

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
        self.may_open_pulls = True
        """Whether the setting lets workflows create pull requests."""
        self.before_move: Callable[[], object] = lambda: None
        """Called before a branch moves."""
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
        yield "GET", r"pulls", "pull-requests", self._list_pulls
        yield "POST", r"pulls", "pull-requests", self._add_pull
        yield "PATCH", r"pulls/(\d+)", "pull-requests", self._edit_pull
        yield "GET", r"git/ref/(heads/.+)", "contents", self._ref
        yield "POST", r"git/refs", "contents", self._add_ref
        yield "PATCH", r"git/refs/(heads/.+)", "contents", self._move_ref
        yield "DELETE", r"git/refs/(heads/.+)", "contents", self._delete_ref
        yield "GET", r"git/commits/([0-9a-f]+)", "contents", self._commit
        yield "POST", r"git/commits", "contents", self._add_commit
        yield "POST", r"git/trees", "contents", self._add_tree
        yield "POST", r"git/blobs", "contents", self._add_blob
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

    def _list_pulls(self, _match: re.Match[str], query: Query, _body: object, _token: Token) -> Any:
        owner, _, branch = query["head"].partition(":")
        assert (owner, query["state"], query["direction"]) == (REPOSITORY.partition("/")[0], "all", "desc")
        found = [pull for _, pull in sorted(self.pulls.items(), reverse=True) if pull["head"]["ref"] == branch]
        return self._page(found, query)

    def _add_pull(self, _match: re.Match[str], _query: Query, body: dict[str, Any], token: Token) -> Any:
        if not self.may_open_pulls:
            raise Refused(403, "GitHub Actions is not permitted to create or approve pull requests.")
        head, base = body["head"], body["base"]
        if any(pull["head"]["ref"] == head and pull["state"] == "open" for pull in self.pulls.values()):
            raise Refused(422, "A pull request already exists")
        number = self.new_id()
        self.pulls[number] = {
            "number": number, "state": "open", "merged_at": None, "merge_commit_sha": None,
            "user": {"login": token.login}, "title": body["title"], "body": _bounded(body["body"]),
            "head": {"sha": self.git("rev-parse", head), "ref": head, "repo": {"full_name": REPOSITORY}},
            "base": {"ref": base}, "html_url": f"https://github.example/{REPOSITORY}/pull/{number}",
        }  # fmt: skip
        return self.pulls[number]

    def _edit_pull(self, match: re.Match[str], _query: Query, body: dict[str, Any], _token: Token) -> Any:
        assert body.keys() <= {"title", "body", "state"}
        _bounded(body.get("body", ""))
        self.pulls[int(match[1])].update(body)
        return self.pulls[int(match[1])]

    # --- git's objects and refs ---------------------------------------------------------------------------------------

    def git(self, *words: str, data: bytes = b"", who: str = BOT) -> str:
        """Run git in the repository."""
        names = {f"GIT_{role}_{part}": who for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *words], cwd=self.origin, input=data, capture_output=True, check=False,
            env={"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, **names},
        )  # fmt: skip
        if done.returncode:
            raise Refused(422, done.stderr.decode())
        return done.stdout.decode().strip()

    def _ref(self, match: re.Match[str], _query: Query, _body: object, _token: Token) -> Any:
        found = self.git("for-each-ref", "--format=%(objectname)", f"refs/{unquote(match[1])}")
        if not found:
            raise Refused(404, "Not Found")
        return {"ref": f"refs/{match[1]}", "object": {"sha": found, "type": "commit"}}

    def _add_ref(self, _match: re.Match[str], _query: Query, body: dict[str, Any], _token: Token) -> Any:
        self.git("update-ref", body["ref"], body["sha"], "0" * 40)
        return {"ref": body["ref"]}

    def _move_ref(self, match: re.Match[str], _query: Query, body: dict[str, Any], _token: Token) -> Any:
        ref = f"refs/{unquote(match[1])}"
        self.before_move()
        former = self.git("rev-parse", ref)
        if not body["force"] and self.git("merge-base", former, body["sha"]) != former:
            raise Refused(422, "Update is not a fast forward")
        self.git("update-ref", ref, body["sha"], former)
        for pull in self.pulls.values():
            if f"refs/heads/{pull['head']['ref']}" == ref and pull.get("state") == "open":
                pull["head"]["sha"] = body["sha"]
        return {"ref": ref}

    def _delete_ref(self, match: re.Match[str], _query: Query, _body: object, _token: Token) -> Any:
        self.git("update-ref", "-d", f"refs/{unquote(match[1])}")
        return None

    def _commit(self, match: re.Match[str], _query: Query, _body: object, _token: Token) -> Any:
        tree, parents, message = self.git("log", "-1", "--format=%T%n%P%n%B", match[1]).split("\n", 2)
        return {
            "sha": match[1], "tree": {"sha": tree}, "message": message,
            "parents": [{"sha": sha} for sha in parents.split()],
        }  # fmt: skip

    def _add_commit(self, _match: re.Match[str], _query: Query, body: dict[str, Any], _token: Token) -> Any:
        parents = [word for sha in body["parents"] for word in ("-p", sha)]
        return {"sha": self.git("commit-tree", body["tree"], *parents, data=body["message"].encode())}

    def _add_tree(self, _match: re.Match[str], _query: Query, body: dict[str, Any], _token: Token) -> Any:
        index = {"GIT_INDEX_FILE": str(self.origin / f"index-{self.new_id()}")}
        lines = "".join(f"{one['mode']} {one['sha']}\t{one['path']}\0" for one in body["tree"])
        for words, data in (
            (["read-tree", body["base_tree"]], b""), (["update-index", "-z", "--index-info"], lines.encode()),
        ):  # fmt: skip
            subprocess.run(["git", *words], cwd=self.origin, input=data, check=True, env={**os.environ, **index})
        done = subprocess.run(
            ["git", "write-tree"], cwd=self.origin, check=True, capture_output=True, env={**os.environ, **index}
        )
        return {"sha": done.stdout.decode().strip()}

    def _add_blob(self, _match: re.Match[str], _query: Query, body: dict[str, Any], _token: Token) -> Any:
        assert body["encoding"] == "base64"
        return {"sha": self.git("hash-object", "-w", "--stdin", data=base64.b64decode(body["content"], validate=True))}

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
            body = json.loads(data or b"{}") or {}
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
            if found is None:
                return self._write(204, b"")
            return self._write(200, json.dumps(found).encode())

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the server looks for these names

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
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
        assert not thread.is_alive()
