"""The log: what its lines hold, what no line can hold, and that no line can be forged."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api import logs
from reconciler.api.client import Client
from reconciler.api.retry import Retry
from reconciler.kinds import KINDS
from tests.api.test_client_retry import Script, Time, ask, no
from tests.world import World, read

IS = "IS0123456789abcdef0123456789ABCDEF"
RL = "RL" + "0" * 32


@contextmanager
def written(form: logs.Format = "json", level: logs.Level = "debug") -> Iterator[list[str]]:
    lines: list[str] = []
    with logs.writing(lines.append, form=form, level=level):
        yield lines


def events(lines: list[str]) -> list[dict[str, Any]]:
    """What the lines hold, without the moment."""
    told = [json.loads(line) for line in lines]
    for event in told:
        moment = datetime.fromisoformat(event.pop("time"))
        assert moment.tzinfo == UTC
    return told


def test_a_run_is_one_line_for_each_request_and_each_step() -> None:
    world = World()
    world.emulator.call("POST", "/v1/Services", {"FriendlyName": "support"})
    files = read("version: 1\nservices: {support: {users: {ada@example.com: {friendly_name: Ada}}}}\n")
    with written() as lines:
        world.apply(files)
    service = world.service("support")
    told = events(lines)
    for event in told:
        assert event.pop("ms") >= 0
        assert re.fullmatch("RQ[0-9a-f]{32}", event.pop("request_id", "RQ" + "0" * 32))
        assert event.pop("bytes", 1) > 0
    sid = world.get(f"/v1/Services/{service}/Users/ada@example.com")["sid"]
    asked = {"level": "debug", "event": "request", "attempt": 1}
    address = 'services.support.users["ada@example.com"]'
    assert told == [
        {**asked, "method": "GET", "path": "/v1/Configuration", "status": 200},
        {**asked, "method": "GET", "path": "/v1/Services?PageSize=50", "status": 200},
        {**asked, "method": "GET", "path": f"/v1/Services/{service}/Users?PageSize=50", "status": 200},
        {**asked, "method": "POST", "path": f"/v1/Services/{service}/Users", "status": 201},
        {"level": "info", "event": "step", "op": "create", "address": address, "status": "done", "sid": sid},
    ]


def test_keys_have_one_order_and_text_has_the_same_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1767355200.25)
    monkeypatch.setattr("time.time_ns", lambda: 1767355200250000000)
    moment = "2026-01-02T12:00:00.250Z"
    as_json = (
        f'{{"time": "{moment}", "level": "debug", "event": "request", "method": "GET", "path": "/v1/Services?Page=2", '
        '"status": 429, "ms": 12.3, "attempt": 2, "code": 20429, "request_id": "RQ1", "bytes": 77}\n'
    )
    as_text = (
        f'{moment} DEBUG request method=GET path="/v1/Services?Page=2" status=429 ms=12.3 attempt=2 code=20429 '
        "request_id=RQ1 bytes=77\n"
    )
    with written("json") as json_lines, written("text") as text_lines:
        logs.request(
            "GET", "/v1/Services?Page=2", attempt=2, ms=12.34, status=429, code=20429, request_id="RQ1", size=77
        )
    assert (json_lines, text_lines) == ([as_json], [as_text])


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1/Services", "/v1/Services"),
        (f"/v1/Services/{IS}/Roles/{RL}", f"/v1/Services/{IS}/Roles/{RL}"),
        (f"/v1/Services/{IS}/Users/ada%40example.com", f"/v1/Services/{IS}/Users/*"),
        (
            f"/v1/Services/{IS}/Conversations/a%20b/Participants",
            f"/v1/Services/{IS}/Conversations/*/Participants",
        ),
        ("/v1/Configuration/Addresses/%2B14155550100", "/v1/Configuration/Addresses/*"),
        ("/v1/Services?PageSize=50", "/v1/Services?PageSize=50"),
        ("/v1/Services?PageSize=50&Page=1&PageToken=PTsecret", "/v1/Services?PageSize=50&Page=1&PageToken=*"),
        ("/v1/Services?PageSize=5e1&Identity=ada&x", "/v1/Services?PageSize=*&*&*"),
        (f"/v1/Services/{IS}x", "/v1/Services/*"),
        (f"/v1/Services/{IS}\n", "/v1/Services/*"),
        ("", ""),
    ],
)
def test_a_path_shows_sids_and_no_names(path: str, shown: str) -> None:
    assert logs.shown_path(path) == shown


def test_every_path_of_every_kind_is_shown_in_full() -> None:
    for kind in KINDS:
        path = re.sub(r"\{[^}]*\}", IS, kind.path)
        assert logs.shown_path(path) == path


@given(text=st.text(), form=st.sampled_from(logs.FORMATS))
def test_no_line_can_be_forged_and_no_name_comes_through(text: str, form: logs.Format) -> None:
    with written(form) as lines:
        logs.request("GET", f"/v1/Users/{text}?{text}", attempt=1, ms=1, status=200, request_id=text)
        logs.retry("GET", f"/{text}", attempt=1, seconds=1, reason=text)
        logs.step("create", text, status="failed", sid=text, cause="rate", request_id=text)
    assert len(lines) == 3
    for line in lines:
        assert line.endswith("\n")
        assert line[:-1].isascii()
        assert line[:-1].isprintable()
    if form == "json":
        told = [json.loads(line) for line in lines]
        assert (told[1]["reason"], told[2]["address"]) == (text, text)
    canary = f"s3cr3t-{text}"
    with written(form) as lines:
        logs.request("GET", f"/v1/Users/{canary}?PageToken={canary}&{canary}", attempt=1, ms=1, request_id=f"{canary} ")
    assert "s3cr3t" not in "".join(lines)


def test_an_absurd_path_is_a_short_line() -> None:
    with written() as lines:
        logs.request("GET", "/x" * 100_000 + "?" + "y&" * 100_000, attempt=1, ms=1)
    assert len(lines[0]) < 300


@pytest.mark.parametrize(("level", "heard"), [("debug", 5), ("info", 4), ("warning", 2), ("error", 1)])
def test_levels(level: logs.Level, heard: int) -> None:
    with written(level=level) as lines:
        logs.request("GET", "/v1/Services", attempt=1, ms=1, status=200)
        logs.retry("GET", "/v1/Services", attempt=1, seconds=1, reason="no answer")
        logs.retry("GET", "/v1/Services", attempt=1, seconds=9, reason="no answer", level="warning")
        logs.step("create", "services.a", status="done")
        logs.step("create", "services.b", status="failed")
    assert len(lines) == heard


def test_what_libraries_log_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, root.handlers = root.handlers, []
    try:
        with written() as lines:
            logging.getLogger("httpx").warning("Authorization: s3cr3t")
            logging.getLogger("asyncio").error("Task exception was never retrieved: s3cr3t")
            logging.getLogger("reconciler").error("s3cr3t")
            logging.getLogger("reconciler.other").error("request", extra={"secret": "s3cr3t"})
    finally:
        root.handlers = before
    assert lines == []
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_written_does_not_reach_the_run() -> None:
    def broken(_line: str) -> None:
        raise OSError

    with logs.writing(broken):
        logs.step("create", "services.a", status="failed")


def test_the_log_ends_where_it_ends() -> None:
    with written() as outer, written() as inner:
        logs.begin("plan", "1")
    logs.begin("plan", "2")
    assert len(outer) == len(inner) == 1
    assert not logs.is_wanted("info")


def test_a_failed_attempt_says_what_failed_and_how_long_it_waits() -> None:
    script = Script(httpx.Response(200, json={}), no(503, 0, Twilio_Request_Id="RQ7"), httpx.ReadError("s3cr3t"))
    script.answers = iter([*script.answers, no(429, 20429, Retry_After="7"), httpx.Response(200, json={})])

    async def twice(client: Client) -> None:
        await client.get("/v1/Configuration")
        await client.get(f"/v1/Services/{IS}")

    with written() as lines:
        ask(twice, script, Time().retry())
    assert "s3cr3t" not in "".join(lines)
    path = {"method": "GET", "path": f"/v1/Services/{IS}"}
    asked = {"level": "debug", "event": "request", **path}
    again = {"event": "retry", **path}
    told = events(lines)[1:]
    for event in told:
        event.pop("ms", None)
    assert told == [
        {**asked, "status": 503, "attempt": 1, "request_id": "RQ7", "bytes": 27},
        {"level": "info", **again, "attempt": 1, "seconds": 0.5, "reason": "Twilio answered 503 (server error)"},
        {**asked, "failure": "network", "attempt": 2},
        {"level": "info", **again, "attempt": 2, "seconds": 1, "reason": "no answer"},
        {**asked, "status": 429, "attempt": 3, "code": 20429, "bytes": 29},
        {"level": "warning", **again, "attempt": 3, "seconds": 7, "reason": "Twilio answered 429 (too many requests)"},
        {**asked, "status": 200, "attempt": 4, "bytes": 2},
    ]


def test_of_requests_that_wait_together_one_is_a_warning() -> None:
    async def many(client: Client) -> None:
        await asyncio.gather(*(client.get(f"/v1/Services/{number}") for number in range(5)))

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    answers = [no(503, Retry_After="9")] * 5
    with written(level="info") as lines:
        ask(many, Script(*answers, httpx.Response(200, json={})), Retry(sleep=at_once, clock=lambda: 0.0))
    assert [event["level"] for event in events(lines)] == ["warning", "info", "info", "info", "info"]
