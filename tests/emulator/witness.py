"""The harness of the emulator's tests: an emulator with a clock that is set by hand, spoken to over ASGI."""

from __future__ import annotations

import random
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from reconciler.emulator import Emulator, Rules, Store

ACCOUNT = "AC" + "0" * 32
TWILIO = "https://conversations.twilio.com"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP = "2026-01-02T03:04:05Z"

Form = Mapping[str, str | Sequence[str]]


def sid(prefix: str, digit: str = "a") -> str:
    return prefix + digit * 32


class Api:
    """An emulator and what a test asks of it; every answer comes over ASGI."""

    def __init__(self, store: Store | None = None, *, seed: int = 1, **options: Any) -> None:
        self.now = START
        self.store = store or Store.open(":memory:")
        self.app = Emulator(self.store, clock=lambda: self.now, entropy=random.Random(seed), **options)

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    def send(
        self,
        method: str,
        path: str,
        form: Form | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        sent, body = dict(headers or {}), content
        if form is not None:
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
            body = urlencode(list(pairs(form))).encode()
        request = httpx.Request(method, TWILIO + path, content=body, headers=sent)
        answer: list[Any] = []
        raw_path, _, query = request.url.raw_path.partition(b"?")
        scope = {
            "type": "http",
            "method": method,
            "path": request.url.path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request.content}

        async def keep(message: Any) -> None:
            answer.append(message)

        _run(self.app(scope, receive, keep))
        start, content_sent = answer
        return httpx.Response(start["status"], headers=start["headers"], content=content_sent["body"], request=request)

    def get(self, path: str) -> dict[str, Any]:
        return self._good(self.send("GET", path), 200)

    def create(self, path: str, **form: str | Sequence[str]) -> dict[str, Any]:
        return self._good(self.send("POST", path, dotted(form)), 201)

    def update(self, path: str, **form: str | Sequence[str]) -> dict[str, Any]:
        return self._good(self.send("POST", path, dotted(form)), 200)

    def delete(self, path: str) -> None:
        response = self.send("DELETE", path)
        assert (response.status_code, response.content) == (204, b""), response.text

    def refusal(self, method: str, path: str, **form: str | Sequence[str]) -> tuple[int, int]:
        """Status and code of a request that must be refused, its body having the shape of an error."""
        response = self.send(method, path, dotted(form) if method == "POST" else None)
        body = response.json()
        assert response.status_code >= 400, body
        assert set(body) == {"code", "message", "more_info", "status"}
        assert body["status"] == response.status_code
        assert body["more_info"] == f"https://www.twilio.com/docs/errors/{body['code']}"
        assert body["message"]
        return response.status_code, body["code"]

    def default_service(self) -> str:
        service = self.app.call("GET", "/v1/Configuration").body
        assert service is not None
        return str(service["default_chat_service_sid"])

    def role(self, name: str, service: str | None = None) -> str:
        path = f"/v1/Services/{service}/Roles" if service else "/v1/Roles"
        body = self.app.call("GET", path).body
        assert body is not None
        (found,) = (role["sid"] for role in body["roles"] if role["friendly_name"] == name)
        return str(found)

    def listed(self, path: str) -> list[dict[str, Any]]:
        """Every item of a list, page after page."""
        items: list[dict[str, Any]] = []
        following: str | None = path
        while following is not None:
            body = self.get(following.removeprefix(TWILIO))
            items += body[body["meta"]["key"]]
            following = body["meta"]["next_page_url"]
        return items

    @staticmethod
    def _good(response: httpx.Response, status: int) -> dict[str, Any]:
        assert response.status_code == status, response.text
        body: dict[str, Any] = response.json()
        return body


def _run(served: Coroutine[Any, Any, None]) -> None:
    """Runs what never waits without an event loop, which would take longer than the emulator."""
    try:
        served.send(None)
    except StopIteration:
        return
    raise AssertionError("The emulator waits for something; ask it in an event loop.")


def api(**rules: Any) -> Api:
    """An emulator under some readings."""
    return Api(rules=Rules(**rules))


def dotted(form: Form) -> dict[str, str | Sequence[str]]:
    """`AutoCreation_Type` stands for `AutoCreation.Type`, which Python cannot spell."""
    return {name.replace("_", "."): value for name, value in form.items()}


def pairs(form: Form) -> Iterable[tuple[str, str]]:
    for name, value in form.items():
        for text in [value] if isinstance(value, str) else value:
            yield name, text


def segment(text: str) -> str:
    return quote(text, safe="")
