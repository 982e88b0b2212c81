"""What holds for every request: paging, headers, bodies, credentials, concurrency, the record of requests."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator import Emulator, Rules, Store
from tests.emulator.witness import ACCOUNT, START, TWILIO, Api, api, sid

SERVICES = "/v1/Services"


def fill(twilio: Api, number: int) -> list[str]:
    """So many services beside the default one; every name, oldest first."""
    for at in range(number):
        twilio.app.call("POST", SERVICES, {"FriendlyName": f"service {at}"})
    return ["Default Conversations Service", *(f"service {at}" for at in range(number))]


def names(body: dict[str, Any]) -> list[str]:
    return [service["friendly_name"] for service in body["services"]]


def test_pages_forwards_and_backwards() -> None:
    twilio = Api()
    expected = fill(twilio, 4)
    first = twilio.get(f"{SERVICES}?PageSize=2")
    assert names(first) == expected[:2]
    token = re.search(r"PageToken=(PT[^&]+)", first["meta"]["next_page_url"])
    assert token is not None
    assert first["meta"] == {
        "page": 0,
        "page_size": 2,
        "first_page_url": f"{TWILIO}{SERVICES}?PageSize=2&Page=0",
        "previous_page_url": None,
        "url": f"{TWILIO}{SERVICES}?PageSize=2&Page=0",
        "next_page_url": f"{TWILIO}{SERVICES}?PageSize=2&Page=1&PageToken={token[1]}",
        "key": "services",
    }
    second = twilio.get(first["meta"]["next_page_url"].removeprefix(TWILIO))
    assert names(second) == expected[2:4]
    assert second["meta"]["url"] == first["meta"]["next_page_url"]
    third = twilio.get(second["meta"]["next_page_url"].removeprefix(TWILIO))
    assert (names(third), third["meta"]["page"], third["meta"]["next_page_url"]) == (expected[4:], 2, None)
    back = twilio.get(third["meta"]["previous_page_url"].removeprefix(TWILIO))
    assert (names(back), back["meta"]["page"]) == (expected[2:4], 1)
    start = twilio.get(back["meta"]["previous_page_url"].removeprefix(TWILIO))
    assert (names(start), start["meta"]["page"], start["meta"]["previous_page_url"]) == (expected[:2], 0, None)
    assert names(twilio.get(start["meta"]["next_page_url"].removeprefix(TWILIO))) == expected[2:4]


def test_what_is_deleted_between_pages_moves_nothing() -> None:
    twilio = Api()
    expected = fill(twilio, 4)
    first = twilio.get(f"{SERVICES}?PageSize=2")
    twilio.delete(f"{SERVICES}/{first['services'][1]['sid']}")
    second = twilio.get(first["meta"]["next_page_url"].removeprefix(TWILIO))
    assert names(second) == expected[2:4]


@settings(max_examples=30)
@given(number=st.integers(0, 12), size=st.integers(1, 5), newest=st.booleans())
def test_pages_hold_everything_once_and_in_order(number: int, size: int, newest: bool) -> None:  # noqa: FBT001 — drawn
    twilio = api(page_order="newest first" if newest else "oldest first")
    expected = fill(twilio, number)
    listed = twilio.listed(f"{SERVICES}?PageSize={size}")
    assert [service["friendly_name"] for service in listed] == (expected[::-1] if newest else expected)


@pytest.mark.parametrize(
    ("path", "usual", "most"),
    [
        ("/v1/Configuration/Addresses", 50, 50),
        ("/v1/Conversations", 50, 100),
        ("/v1/Conversations/desk/Participants", 50, 100),
        ("/v1/Conversations/desk/Webhooks", 5, 5),
        ("/v1/Conversations/desk/Messages", 50, 100),
        ("/v1/Credentials", 50, 100),
        ("/v1/Roles", 50, 50),
        ("/v1/Services", 50, 100),
        ("/v1/Users", 50, 50),
        ("/v1/Users/ada/Conversations", 50, 50),
        ("/v1/ParticipantConversations?Identity=ada", 50, 50),
        ("/v1/Services/{}/Bindings", 50, 100),
    ],
)
def test_page_sizes(path: str, usual: int, most: int) -> None:
    for reading in ("clamped", "served", "refused"):
        twilio = api(large_page=reading)
        twilio.create("/v1/Conversations", UniqueName="desk")
        twilio.create("/v1/Users", Identity="ada")
        path = path.format(twilio.default_service())
        more = f"{path}{'&' if '?' in path else '?'}PageSize="
        assert twilio.get(path)["meta"]["page_size"] == usual
        assert twilio.get(f"{more}{most}")["meta"]["page_size"] == most
        assert twilio.refusal("GET", f"{more}1001") == (400, 20007)
        if reading == "refused":
            assert twilio.refusal("GET", f"{more}{most + 1}") == (400, 20007)
        else:
            assert twilio.get(f"{more}{most + 1}")["meta"]["page_size"] == most + (reading == "served")
            assert twilio.get(f"{more}1000")["meta"]["page_size"] == (1000 if reading == "served" else most)


@pytest.mark.parametrize(("reading", "status"), [("found", 200), ("not_found", 404)])
def test_an_encoded_slash_in_a_path(reading: str, status: int) -> None:
    twilio = api(slash_in_path=reading)
    twilio.create("/v1/Users", Identity="a/b")
    for path in ("/v1/Users/a%2Fb", "/v1/Users/a%2fb"):
        assert twilio.send("GET", path).status_code == status
    assert twilio.send("GET", "/v1/Users/a/b").status_code == 404
    assert [user["identity"] for user in twilio.listed("/v1/Users")] == ["a/b"]


@pytest.mark.parametrize(
    "query",
    [
        "PageSize=0",
        "PageSize=many",
        "PageSize=",
        "Page=-1",
        "PageToken=PA",
        "PageToken=PT!",
        "PageToken=PTe30=",
        "PageToken=PT" + base64.b64encode(b'{"page":0,"after":"x"}').decode(),
        "PageToken=PT" + base64.b64encode(b'{"page":0,"after":99999999999999999999}').decode(),
        "PageToken=PT" + base64.b64encode(b"\xff").decode(),
        "Name=%FF",
    ],
)
def test_wrong_paging_is_refused(query: str) -> None:
    assert Api().refusal("GET", f"{SERVICES}?{query}") == (400, 20001)


def test_page_is_only_the_clients_number() -> None:
    twilio = Api()
    body = twilio.get(f"{SERVICES}?Page=3")
    assert (body["meta"]["page"], len(body["services"])) == (3, 1)


def test_headers() -> None:
    response = Api().send("GET", "/v1/Configuration")
    assert re.fullmatch(r"RQ[0-9a-f]{32}", response.headers["Twilio-Request-Id"])
    assert response.headers["Twilio-Concurrent-Requests"] == "1"
    assert re.fullmatch(r"\d+\.\d{3}", response.headers["Twilio-Request-Duration"])
    assert response.headers["Content-Type"] == "application/json;charset=utf-8"


def test_a_deletion_is_answered_without_a_body() -> None:
    twilio = Api()
    service = twilio.create(SERVICES, FriendlyName="x")["sid"]
    response = twilio.send("DELETE", f"{SERVICES}/{service}")
    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    assert "Twilio-Request-Id" in response.headers


def test_an_unknown_path_is_told_without_its_version() -> None:
    response = Api().send("GET", "/v1/Services/undefined")
    assert response.json() == {
        "code": 20404,
        "message": "The requested resource /Services/undefined was not found",
        "more_info": "https://www.twilio.com/docs/errors/20404",
        "status": 404,
    }
    for path in ("/", "/v1", "/v1/Nothing", "/v2/Configuration", "/v1/Configuration/"):
        assert Api().send("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("application/json", b'{"FriendlyName": "x"}', 415),
        ("", b"FriendlyName=x", 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", b"FriendlyName=%FF", 400),
        ("application/x-www-form-urlencoded", b"FriendlyName=\xff", 400),
        ("application/x-www-form-urlencoded", b"FriendlyName=" + b"x" * 2**20, 413),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", b"FriendlyName=x", 201),
    ],
)
def test_only_forms_are_taken(content_type: str, content: bytes, status: int) -> None:
    headers = {"content-type": content_type}
    assert Api().send("POST", SERVICES, content=content, headers=headers).status_code == status


def test_any_text_comes_back_as_it_was_sent() -> None:
    twilio = Api()
    name = "Grüße 👋 a+b&c=d\r\n\x00\x1b[31m </script> ${MESSAGE}"
    assert twilio.create(SERVICES, FriendlyName=name)["friendly_name"] == name
    assert twilio.listed(SERVICES)[1]["friendly_name"] == name


def test_of_a_key_sent_twice_the_last_counts() -> None:
    assert Api().create(SERVICES, FriendlyName=["a", "b"])["friendly_name"] == "b"


@pytest.mark.parametrize(
    ("user", "password", "status"),
    [
        (ACCOUNT, "emulator", 200),
        (sid("SK"), "emulator", 200),
        (ACCOUNT, "wrong", 401),
        (sid("AC"), "emulator", 401),
        ("SK1", "emulator", 401),
        ("", "", 401),
    ],
)
def test_credentials(user: str, password: str, status: int) -> None:
    twilio = Api(require_auth=True)
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    response = twilio.send("GET", "/v1/Configuration", headers={"authorization": f"Basic {encoded}"})
    assert response.status_code == status
    if status == 401:
        assert (response.json()["code"], response.json()["message"]) == (20003, "Authenticate")
        assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("header", [None, "Basic", "Basic !", "Basic /w==", "Bearer emulator"])
def test_without_good_credentials_not_even_a_path_is_known(header: str | None) -> None:
    twilio = Api(require_auth=True, auth_token="secret")
    headers = {"authorization": header} if header else None
    assert twilio.send("GET", "/v1/Nothing", headers=headers).status_code == 401


def test_requests_are_remembered() -> None:
    twilio = Api()
    twilio.create("/v1/Roles", FriendlyName="x", Type="service", Permission=["joinConversation", "editOwnUserInfo"])
    twilio.send("GET", "/v1/Roles?PageSize=2")
    twilio.send("GET", "/v1/Nothing")
    twilio.app.call("GET", "/v1/Roles")
    create, read, unknown = twilio.app.requests
    assert (create.method, create.path, create.status) == ("POST", "/v1/Roles", 201)
    assert create.form == {
        "FriendlyName": ["x"],
        "Type": ["service"],
        "Permission": ["joinConversation", "editOwnUserInfo"],
    }
    assert (read.method, read.path, read.status, read.form) == ("GET", "/v1/Roles?PageSize=2", 200, {})
    assert unknown.status == 404
    twilio.send("DELETE", "/v1/Users/ada", headers={"X-Twilio-Webhook-Enabled": "true", "Authorization": "Basic eA=="})
    headers = twilio.app.requests.pop().headers
    assert headers["x-twilio-webhook-enabled"] == "true"
    assert "authorization" not in headers
    assert len({record.request_id for record in twilio.app.requests}) == 3


def test_reading_does_not_change_what_is_written_next() -> None:
    one, other = Api(seed=7), Api(seed=7)
    other.send("GET", "/v1/Roles")
    assert one.create(SERVICES, FriendlyName="x") == other.create(SERVICES, FriendlyName="x")
    assert one.app.snapshot() == other.app.snapshot()


def test_a_call_answers_as_http_does() -> None:
    twilio = Api()
    reply = twilio.app.call("get", "/v1/Configuration")
    assert (reply.status, reply.body) == (200, twilio.get("/v1/Configuration"))
    refusal = twilio.app.call("POST", "/v1/Services")
    assert refusal.status == 400
    assert refusal.body == twilio.send("POST", "/v1/Services").json()
    page = twilio.app.call("GET", "/v1/Roles", query="PageSize=2").body
    assert page is not None
    assert len(page["roles"]) == 2


def test_concurrent_requests_are_counted_and_never_interleave() -> None:
    app = Emulator(Store.open(":memory:"), latency_ms=20, entropy=random.Random(1))

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=TWILIO) as client:
            posts = [client.post("/v1/Users", data={"Identity": f"user {at % 25}"}) for at in range(50)]
            return await asyncio.gather(*posts)

    responses = asyncio.run(all_at_once())
    assert sorted(response.status_code for response in responses) == [201] * 25 + [409] * 25
    concurrent = [int(response.headers["Twilio-Concurrent-Requests"]) for response in responses]
    assert (max(concurrent), min(concurrent)) == (50, 1)
    assert all(float(response.headers["Twilio-Request-Duration"]) >= 0.02 for response in responses)


def test_requests_over_the_limit_of_concurrency_are_not_processed() -> None:
    app = Emulator(Store.open(":memory:"), latency_ms=20, concurrency_limit=3)

    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=TWILIO) as client:
            return await asyncio.gather(*(client.post("/v1/Users", data={"Identity": f"u{at}"}) for at in range(8)))

    responses = asyncio.run(all_at_once())
    assert sorted(response.status_code for response in responses) == [201] * 3 + [429] * 5
    assert {response.json().get("code") for response in responses if response.status_code == 429} == {20429}
    assert [row["kind"] for row in app.snapshot().values()].count("user") == 3


def test_lifespan_and_other_scopes() -> None:
    app = Emulator(Store.open(":memory:"))
    sent: list[Any] = []

    async def live() -> None:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await app({"type": "lifespan"}, receive, send)
        with pytest.raises(NotImplementedError):
            await app({"type": "websocket"}, receive, send)

    asyncio.run(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_client_that_goes_away_changes_nothing() -> None:
    app = Emulator(Store.open(":memory:"))
    before = app.snapshot()

    async def vanish() -> None:
        messages = iter(
            [{"type": "http.request", "body": b"FriendlyName=x", "more_body": True}, {"type": "http.disconnect"}]
        )

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            raise AssertionError(message)

        scope = {"type": "http", "method": "POST", "path": SERVICES, "headers": [], "query_string": b""}
        await app(scope, receive, send)

    asyncio.run(vanish())
    assert app.snapshot() == before
    assert not app.requests


def test_the_base_url_is_that_of_every_url() -> None:
    twilio = Api(base_url="http://127.0.0.1:4010")
    fill(twilio, 2)
    for path in ("/v1/Configuration", f"{SERVICES}?PageSize=1"):
        assert TWILIO not in json.dumps(twilio.send("GET", path).json())


def test_the_rules_may_be_replaced_between_requests() -> None:
    twilio = Api()
    twilio.app.rules = Rules(service_account_sid="null")
    assert twilio.get(SERVICES)["services"][0]["account_sid"] is None


def test_the_systems_clock_and_entropy_are_the_usual_ones() -> None:
    one, other = (Emulator(Store.open(":memory:")).snapshot() for _ in range(2))
    assert set(one) & set(other) == {ACCOUNT}
    (service,) = (row for row in one.values() if row["kind"] == "service")
    assert service["date_created"] > START.strftime("%Y")
