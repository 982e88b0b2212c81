"""What is refused only for the moment: too many writes in a second, writes at one time to one thing, deletions."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.emulator.witness import TWILIO, Api, Form


def code(response: httpx.Response) -> tuple[int, int | None]:
    return response.status_code, response.json()["code"] if response.status_code >= 400 else None


def test_a_service_takes_so_many_writes_in_a_second() -> None:
    twilio = Api(writes_per_second=3)
    other = twilio.create("/v1/Services", FriendlyName="x")["sid"]

    def user(number: int, service: str = "") -> tuple[int, int | None]:
        path = f"/v1/Services/{service}/Users" if service else "/v1/Users"
        return code(twilio.send("POST", path, {"Identity": f"u{number}"}))

    assert [user(number) for number in range(5)] == [(201, None)] * 3 + [(429, 50063)] * 2
    # Both forms of the path are one service; another service counts for itself, and what is read is free.
    assert user(5, twilio.default_service()) == (429, 50063)
    assert user(5, other) == (201, None)
    assert len(twilio.listed("/v1/Users")) == 3
    twilio.pass_time(seconds=0.5)
    assert user(5) == (429, 50063)
    twilio.pass_time(seconds=0.5)
    assert user(5) == (201, None)
    # What the account has is not a service's.
    for _ in range(9):
        twilio.update("/v1/Configuration", DefaultInactiveTimer="PT1M")


def test_a_conversation_takes_so_many_writes_in_a_second() -> None:
    twilio = Api(writes_per_second=3)
    one, other = (twilio.create("/v1/Conversations", UniqueName=name) for name in ("one", "other"))
    writes: list[tuple[str, Form]] = [
        (f"/v1/Conversations/{one['sid']}/Messages", {"Body": "x"}),
        ("/v1/Conversations/one/Participants", {"Identity": "ada"}),
        ("/v1/Conversations/one", {"Attributes": "{}"}),
        ("/v1/Conversations/one/Messages", {"Body": "x"}),
    ]
    assert [code(twilio.send("POST", path, form))[1] for path, form in writes] == [None, None, None, 50074]
    twilio.create(f"/v1/Conversations/{other['sid']}/Messages", Body="x")
    # Deleting counts with the service's writes, of which there were two.
    twilio.delete("/v1/Conversations/one")
    assert twilio.refusal("DELETE", "/v1/Conversations/other") == (429, 50063)


def together(twilio: Api, *requests: tuple[str, str, Form | None]) -> list[tuple[int, int | None]]:
    """Requests that are under way at one time, in order."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(twilio.app)

        async def send(method: str, path: str, form: Form | None) -> httpx.Response:
            headers = {"content-type": "application/x-www-form-urlencoded"}
            content = urlencode(dict(form or {}), doseq=True).encode()
            request = httpx.Request(method, TWILIO + path, content=content, headers=headers)
            response = await transport.handle_async_request(request)
            await response.aread()
            return response

        return await asyncio.gather(*(send(*request) for request in requests))

    return [code(response) for response in asyncio.run(ask())]


@pytest.mark.parametrize(
    ("requests", "refused"),
    [
        ([("POST", "/v1/Users/ada", {"FriendlyName": "a"})] * 2, 20162),
        ([("POST", "/v1/Conversations/desk", {"FriendlyName": "a"}), ("POST", "{desk}", {"Attributes": "1"})], 20162),
        ([("POST", "/v1/Configuration", {"DefaultInactiveTimer": "PT1M"})] * 2, 20162),
        ([("POST", "{service}/Configuration", {"ReachabilityEnabled": "true"})] * 2, 20162),
        ([("POST", "{desk}/Participants/ada", {"Attributes": "1"})] * 2, 20162),
        ([("POST", "/v1/Configuration/Addresses/%2B14155550100", {"FriendlyName": "x"})] * 2, 20162),
        ([("POST", "/v1/Users", {"Identity": "eve"}), ("POST", "{service}/Users", {"Identity": "eve"})], 50213),
        ([("DELETE", "/v1/Users/ada", None), ("POST", "/v1/Users", {"Identity": "ada"})], 50213),
        ([("POST", "/v1/Conversations", {"UniqueName": "x"})] * 2, 50391),
        ([("DELETE", "{desk}", None), ("POST", "/v1/Conversations", {"UniqueName": "desk"})], 50391),
        (
            [
                ("POST", "{desk}/Participants", {"Identity": "bob"}),
                ("POST", "/v1/Conversations/desk/Participants", {"Identity": "eve"}),
            ],
            50419,
        ),
    ],
)
def test_two_writes_to_one_thing_conflict(requests: list[tuple[str, str, Any]], refused: int) -> None:
    for conflicts in (True, False):
        twilio = Api(conflicts=conflicts, latency_ms=5)
        twilio.app.call("POST", "/v1/Users", {"Identity": "ada"})
        desk = twilio.app.call("POST", "/v1/Conversations", {"UniqueName": "desk"}).body
        assert desk is not None
        twilio.app.call("POST", f"/v1/Conversations/{desk['sid']}/Participants", {"Identity": "ada"})
        twilio.app.call("POST", "/v1/Configuration/Addresses", {"Type": "sms", "Address": "+14155550100"})
        names = {
            "desk": f"/v1/Conversations/{desk['sid']}",
            "service": f"/v1/Services/{twilio.default_service()}",
        }
        first, second = ((method, path.format_map(names), form) for method, path, form in requests)
        answers = together(twilio, first, second)
        assert answers[0][0] < 300
        if conflicts:
            assert answers[1] == (409, refused)
        else:
            assert answers[1][1] != refused
        # Afterwards nothing is busy any more.
        assert together(twilio, second)[0][1] != refused


def test_what_is_apart_does_not_conflict() -> None:
    twilio = Api(conflicts=True, latency_ms=5)
    for name in ("one", "two"):
        twilio.app.call("POST", "/v1/Conversations", {"UniqueName": name})
    answers = together(
        twilio,
        ("POST", "/v1/Users", {"Identity": "ada"}),
        ("POST", "/v1/Users", {"Identity": "eve"}),
        ("POST", "/v1/Conversations", None),
        ("POST", "/v1/Conversations", None),
        ("POST", "/v1/Conversations/one", {"Attributes": "1"}),
        ("POST", "/v1/Conversations/two", {"Attributes": "1"}),
        ("POST", "/v1/Conversations/one/Participants", {"Identity": "bob"}),
        ("POST", "/v1/Conversations/two/Participants", {"Identity": "bob"}),
        ("POST", "/v1/Conversations/one/Messages", {"Body": "x"}),
        ("POST", "/v1/Conversations/one/Messages", {"Body": "y"}),
        ("POST", "/v1/Roles", {"FriendlyName": "r", "Type": "service", "Permission": "addParticipant"}),
        ("POST", "/v1/Roles", {"FriendlyName": "r", "Type": "service", "Permission": "addParticipant"}),
        ("GET", "/v1/Conversations/one", None),
        ("POST", "/v1/Configuration", {"DefaultInactiveTimer": "PT1M"}),
        ("POST", f"/v1/Services/{twilio.default_service()}/Configuration", {"ReachabilityEnabled": "true"}),
    )
    assert [status for status, _ in answers] == [201] * 4 + [200] * 2 + [201] * 6 + [200] * 3


def test_a_service_is_deleted_for_a_while() -> None:
    twilio = Api(deletion_seconds=2)
    sid = twilio.create("/v1/Services", FriendlyName="x")["sid"]
    twilio.delete(f"/v1/Services/{sid}")
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/Roles"), ("GET", "/Configuration")):
        assert twilio.refusal(method, f"/v1/Services/{sid}{path}") == (409, 50002)
    assert sid not in {service["sid"] for service in twilio.listed("/v1/Services")}
    twilio.pass_time(seconds=2)
    assert twilio.refusal("GET", f"/v1/Services/{sid}") == (404, 20404)


def test_refusals_of_the_moment_change_nothing_and_come_after_credentials() -> None:
    twilio = Api(writes_per_second=0, require_auth=True)
    before = twilio.app.snapshot()
    assert twilio.refusal("POST", "/v1/Users", Identity="ada") == (401, 20003)
    headers = {"authorization": httpx.BasicAuth("AC" + "0" * 32, "emulator")._auth_header}
    assert code(twilio.send("POST", "/v1/Users", {"Identity": "ada"}, headers=headers)) == (429, 50063)
    assert twilio.app.requests[-1].form == {"Identity": ["ada"]}
    assert twilio.app.snapshot() == before
