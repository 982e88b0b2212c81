"""Twilio over HTTP: who asks, where, page by page, and what an answer means. Nothing here leaves the process."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.api.client import Client, ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.transport import in_process
from reconciler.errors import ApiError, Intercepted, Malformed, Refusal, Refused, Unreachable, Unsent
from tests.builders import ACCOUNT

HOST = "https://conversations.twilio.com"
CREDENTIALS = Credentials("SK1", "s3cret", ACCOUNT)
Answer = TypeVar("Answer")
Handler = Callable[[httpx.Request], httpx.Response]


def ask(
    work: Callable[[Client], Coroutine[Any, Any, Answer]], handler: Handler, *, base: str = HOST, concurrency: int = 10
) -> Answer:
    """Do something with a client whose requests a function answers."""

    async def run() -> Answer:
        transport = httpx.MockTransport(handler)
        async with Client(base, CREDENTIALS, concurrency=concurrency, transport=transport) as client:
            return await work(client)

    return asyncio.run(run())


def always(status: int = 200, *, content: bytes | str = b"", **headers: str) -> Handler:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda _request: httpx.Response(status, content=content, headers=named)


def get(path: str = "/v1/Configuration") -> Callable[[Client], Coroutine[Any, Any, Any]]:
    return lambda client: client.get(path)


def page(items: list[Any], following: Any = None) -> httpx.Response:
    return httpx.Response(200, json={"things": items, "meta": {"next_page_url": following, "key": "things"}})


def listing(handler: Handler, *, base: str = HOST) -> list[Any]:
    return list(ask(lambda client: client.list("/v1/Things", "things", 50), handler, base=base))


# --- what is sent ----------------------------------------------------------------------------------------------------


class Recorder:
    """Answers every request alike and keeps it."""

    def __init__(self, status: int = 200, content: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.answer = (status, content, headers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status, content, headers = self.answer
        return httpx.Response(status, content=content, headers=headers)


def test_a_read_says_who_asks_and_what_for() -> None:
    recorder = Recorder()
    ask(get("/v1/Services?PageSize=50"), recorder)
    (request,) = recorder.requests
    assert (request.method, str(request.url), request.content) == ("GET", f"{HOST}/v1/Services?PageSize=50", b"")
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"SK1:s3cret").decode()
    assert request.headers["Accept"] == "application/json"
    assert request.headers["User-Agent"].startswith("reconciler/")
    assert "X-Twilio-Webhook-Enabled" not in request.headers


def test_cookies_are_neither_kept_nor_sent_back() -> None:
    seen = Recorder(headers={"Set-Cookie": "session=1; Path=/"})

    async def twice(client: Client) -> None:
        await client.get("/v1/Configuration")
        await client.get("/v1/Configuration")

    ask(twice, seen)
    assert [request.headers.get("Cookie") for request in seen.requests] == [None, None]


def test_a_write_is_a_form_in_which_lists_repeat_their_key() -> None:
    recorder = Recorder(201)
    form = [("FriendlyName", "Zürich & Söhne+ =%"), ("Permission", "a"), ("Permission", "b"), ("Filters", "")]
    ask(lambda client: client.post("/v1/Services/IS1/Roles", form), recorder)
    (request,) = recorder.requests
    assert request.method == "POST"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.content == (b"FriendlyName=Z%C3%BCrich+%26+S%C3%B6hne%2B+%3D%25&Permission=a&Permission=b&Filters=")


def test_a_delete_has_no_body_and_takes_none() -> None:
    recorder = Recorder(204, b"")
    ask(lambda client: client.delete("/v1/Services/IS1"), recorder)
    (request,) = recorder.requests
    assert (request.method, request.content) == ("DELETE", b"")
    assert "Content-Type" not in request.headers


def test_an_encoded_path_is_sent_as_it_is() -> None:
    recorder = Recorder()
    ask(get("/v1/Configuration/Addresses/whatsapp%3A%2B1%2F2"), recorder)
    assert recorder.requests[0].url.raw_path == b"/v1/Configuration/Addresses/whatsapp%3A%2B1%2F2"


def test_requests_and_writes_are_counted() -> None:
    async def some(client: Client) -> tuple[int, int]:
        await client.get("/v1/Configuration")
        await client.post("/v1/Services", [("FriendlyName", "a")])
        await client.delete("/v1/Services/IS1")
        return client.requests, client.writes

    assert ask(some, always(content="{}")) == (3, 2)


def test_a_reading_client_has_no_way_to_write() -> None:
    public = {name for name in dir(ReadClient) if not name.startswith("_")}
    assert {"get", "list"} <= public
    assert not public & {"post", "put", "patch", "delete", "create", "update", "send", "request"}
    added = {name for name in dir(Client) if not name.startswith("_")} - public
    assert added == {"post", "delete", "writes", "write_concurrency"}


# --- pages -----------------------------------------------------------------------------------------------------------


def test_a_list_is_read_to_its_last_page() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        at = len(asked)
        return page([at, at], f"{HOST}/v1/Things?PageSize=50&Page={at}&PageToken=PT{at}" if at < 3 else None)

    assert listing(handler) == [1, 1, 2, 2, 3, 3]
    assert asked == [
        f"{HOST}/v1/Things?PageSize=50",
        f"{HOST}/v1/Things?PageSize=50&Page=1&PageToken=PT1",
        f"{HOST}/v1/Things?PageSize=50&Page=2&PageToken=PT2",
    ]


@pytest.mark.parametrize("meta", [{}, {"next_page_url": None}, {"next_page_url": ""}, None, [], "text"])
def test_a_page_that_names_no_other_is_the_last(meta: Any) -> None:
    assert listing(lambda _request: httpx.Response(200, json={"things": [1], "meta": meta})) == [1]
    assert listing(lambda _request: httpx.Response(200, json={"things": [1]})) == [1]


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example.com/v1/Things?Page=1",
        "http://conversations.twilio.com/v1/Things?Page=1",
        "https://conversations.twilio.com.evil.example.com/v1/Things?Page=1",
        "https://conversations.twilio.com@evil.example.com/v1/Things?Page=1",
        "https://conversations.twilio.com:8443/v1/Things?Page=1",
        "//evil.example.com/v1/Things?Page=1",
        "/v1/Things?Page=1",
        "ftp://evil.example.com/v1/Things?Page=1",
        "https://evil.example.com//evil.example.com/v1/Things?Page=1",
        "https://evil.example.com/@evil.example.com/v1/Things?Page=1",
        "https://evil.example.com/\\\\evil.example.com?Page=1",
        "https://evil.example.com/.evil.example.com:80/?Page=1",
    ],
)
def test_the_next_page_is_asked_for_on_this_host_and_no_other(evil: str) -> None:
    asked: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return page([], evil if len(asked) == 1 else None)

    listing(handler)
    assert [(url.scheme, url.host, url.port) for url in asked] == [("https", "conversations.twilio.com", None)] * 2
    assert asked[1].query == b"Page=1"


@settings(max_examples=50)
@given(st.text(max_size=30), st.sampled_from(["", "https://evil.example.com/", "/", "//", "https://evil.example.com"]))
def test_no_next_page_leads_anywhere_else_or_ends_in_another_error(text: str, start: str) -> None:
    asked: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return page([], start + text if len(asked) == 1 else None)

    with suppress(Malformed):
        listing(handler)
    assert {(url.scheme, url.host, url.port) for url in asked} == {("https", "conversations.twilio.com", None)}


@pytest.mark.parametrize(
    "odd",
    [5, True, {}, {"a": 1}, ["/v1/Things"], "https://[bad/x", "nowhere", "?Page=1",
     "https://evil.example.com", "/\x00", "/\ud800", "/" + "a" * 70_000],
    ids=lambda odd: repr(odd)[:20],
)  # fmt: skip
def test_a_next_page_that_is_no_url_is_malformed(odd: Any) -> None:
    body = json.dumps({"things": [], "meta": {"next_page_url": odd}})
    if odd == {}:
        assert listing(always(content=body)) == []
        return
    with pytest.raises(Malformed) as raised:
        listing(always(content=body))
    assert len(str(raised.value)) < 400
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("length", [1, 2, 5])
def test_pages_that_go_round_in_a_circle_are_malformed(length: int) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        return page([1], f"{HOST}/v1/Things?Page={len(asked) % length}")

    with pytest.raises(Malformed, match="the pages form a loop at /v1/Things"):
        listing(handler)
    # Five pages in a row that bring nothing new: one may be a repetition, after which it goes on.
    assert len(asked) == length + 1 + 5


def thing(*sids: str) -> list[Any]:
    return [{"sid": sid} for sid in sids]


def pages_of(*readings: list[list[Any]]) -> tuple[Callable[[httpx.Request], httpx.Response], list[str]]:
    """A list that is another one each time it is read from its beginning; the last one stays."""
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        number = sum("Page=" not in query for query in asked) - 1
        reading = readings[min(number, len(readings) - 1)]
        at = int(request.url.params.get("Page", 0))
        return page(reading[at], f"{HOST}/v1/Things?Page={at + 1}" if at + 1 < len(reading) else None)

    return handler, asked


def sids(items: Sequence[Any]) -> str:
    return "".join(item["sid"] for item in items)


def test_an_item_on_two_pages_is_given_once_and_the_list_is_read_once_more() -> None:
    # Somebody put x first after the first page was read: b came twice, and c moved to the front before it was seen.
    handler, asked = pages_of([thing("a", "b"), thing("b", "d")], [thing("c", "x"), thing("a", "b"), thing("d")])
    assert sids(listing(handler)) == "cxabd"
    assert len(asked) == 5


def test_a_list_that_moves_whenever_it_is_read_is_read_twice_and_no_more() -> None:
    handler, asked = pages_of([thing("a", "b"), thing("b", "d")], [thing("x", "a"), thing("a", "b")])
    assert sids(listing(handler)) == "xabd"
    assert len(asked) == 4


def test_a_page_that_comes_again_is_skipped() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        if len(asked) in {1, 2}:
            return page(thing("a", "b"), f"{HOST}/v1/Things?Page=1")
        return page(thing("c"))

    assert sids(listing(handler)) == "cab"
    assert asked == ["PageSize=50", "Page=1", "Page=1", "PageSize=50"]


def test_pages_without_an_end_that_bring_nothing_new_are_malformed() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        return page(thing("a", "b"), f"{HOST}/v1/Things?PageToken={len(asked)}")

    with pytest.raises(Malformed, match="the pages form a loop at /v1/Things"):
        listing(handler)
    assert len(asked) == 6


def test_pages_without_an_end_that_bring_something_new_are_malformed_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.api.paging._MOST_PAGES", 30)
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        return page(thing(str(len(asked))), f"{HOST}/v1/Things?PageToken={len(asked)}")

    with pytest.raises(Malformed, match="the pages exceed 30"):
        listing(handler)
    assert len(asked) == 30


@pytest.mark.parametrize(
    ("readings", "expected", "requests"),
    [
        # One page is a whole moment.
        ([[thing("a", "b")]], "ab", 1),
        ([[thing("a"), thing("b")]], "ab", 4),
        # Somebody deleted a after its page was read, and b moved to it.
        ([[thing("a"), thing("c")], [thing("b"), thing("c")]], "bc", 6),
        ([[thing("a"), thing("a")], [thing("b"), thing("c")]], "bc", 6),
    ],
)
def test_a_list_that_must_be_sure_is_read_until_two_readings_agree(
    readings: list[list[list[Any]]], expected: str, requests: int
) -> None:
    handler, asked = pages_of(*readings)
    found = ask(lambda client: client.list("/v1/Things", "things", 50, consistent=True), handler)
    assert sids(found) == expected
    assert len(asked) == requests


def test_a_list_that_never_stands_still_is_nothing_to_go_by() -> None:
    handler, _ = pages_of(*([thing(str(number)), thing("x")] for number in range(9)))
    with pytest.raises(Malformed, match="GET /v1/Things: the list changes faster than it can be read"):
        ask(lambda client: client.list("/v1/Things", "things", 50, consistent=True), handler)


@pytest.mark.parametrize(
    "content", ["{}", "[]", "null", "5", '"things"', '{"things": null}', '{"things": {}}', '{"others": []}']
)
def test_an_answer_without_the_list_is_malformed(content: str) -> None:
    with pytest.raises(Malformed, match="GET /v1/Things\\?PageSize=50: the answer has no list under 'things'"):
        listing(always(content=content))


@pytest.mark.parametrize("following", ["/gateway/v1/Things?Page=1", "/v1/Things?Page=1"])
def test_a_server_below_a_path_of_its_own_may_name_that_path_or_not(following: str) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return page([], f"https://api.example.com{following}" if len(asked) == 1 else None)

    listing(handler, base="https://api.example.com/gateway")
    assert asked[1] == "https://api.example.com/gateway/v1/Things?Page=1"


# --- what an answer means --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\xff", b"[" * 100_000, b'{"a": NaN}', b'{"a": ' + b"9" * 5000 + b"}", b"\x1f\x8b"],
    ids=lambda content: repr(content[:10]),
)
def test_an_answer_that_is_no_json_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed, match=r"GET /v1/Configuration: the answer is not JSON \(HTTP 200\)"):
        ask(get(), always(content=content))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"<html>Sign in</html>", ""),
        (b"\n  <!DOCTYPE html>", "application/json"),
        (b"Sign in", "text/html; charset=utf-8"),
        (b"", "Text/HTML"),
    ],
)
def test_a_web_page_in_place_of_an_answer_is_reported(content: bytes, media_type: str) -> None:
    with pytest.raises(Malformed) as raised:
        ask(get(), always(content=content, Content_Type=media_type))
    assert str(raised.value) == (
        "GET /v1/Configuration: the answer is an HTML page, which Twilio never sends (HTTP 200)"
    )


def test_no_content_is_none() -> None:
    assert ask(get(), always(204)) is None


@pytest.mark.parametrize(("content", "expected"), [("{}", {}), ("[1]", [1]), ("null", None), ('"ü"', "ü")])
def test_any_json_is_given_as_it_is(content: str, expected: Any) -> None:
    assert ask(get(), always(content=content)) == expected


def refusal(status: int, content: bytes | str = b"", **headers: str) -> Refusal:
    with pytest.raises(Refused) as raised:
        ask(get(), always(status, content=content, **headers))
    return raised.value.refusal


def test_a_refusal_holds_everything_that_was_said() -> None:
    body = {
        "code": 20404,
        "message": "not found",
        "more_info": "https://www.twilio.com/docs/errors/20404",
        "status": 404,
    }
    assert refusal(404, json.dumps(body), Twilio_Request_Id="RQ1") == Refusal(
        method="GET",
        path="/v1/Configuration",
        status=404,
        code=20404,
        message="not found",
        more_info="https://www.twilio.com/docs/errors/20404",
        request_id="RQ1",
    )


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", 500, "Internal Server Error"),
        (b"<html>", 500, "Internal Server Error"),
        (b"\xff\xfe\xff", 500, "Internal Server Error"),
        (b"[" * 100_000, 500, "Internal Server Error"),
        (b"null", 500, "Internal Server Error"),
        (b"[1]", 500, "Internal Server Error"),
        (b'"text"', 500, "Internal Server Error"),
        (b"{}", 500, "Internal Server Error"),
        (b'{"code": null, "message": null}', 500, "Internal Server Error"),
        (b'{"code": "20001", "message": ""}', 500, "Internal Server Error"),
        (b'{"code": true, "message": "no"}', 500, "no"),
        (b'{"code": 20500.5, "message": 7}', 500, "Internal Server Error"),
        (b'{"code": 20500, "message": {"a": 1}}', 20500, "Internal Server Error"),
        (b'{"code": 1' + b"0" * 400 + b', "message": "no"}', 500, "no"),
        (b'{"code": 20500, "message": "no", "more_info": {}, "details": {}}', 20500, "no"),
    ],
    ids=lambda part: repr(part)[:24],
)
def test_a_refusal_may_have_any_body(content: bytes, code: int, said: str) -> None:
    assert refusal(500, content) == Refusal("GET", "/v1/Configuration", 500, code, said)


def test_a_refusal_of_a_status_without_a_name_says_so() -> None:
    assert refusal(599).message == "no message"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["code", "message", "more_info", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=50)
@given(json_values, st.sampled_from([400, 401, 404, 409, 429, 500, 503]))
def test_a_refusal_is_always_data_of_the_right_types(body: Any, status: int) -> None:
    found = refusal(status, json.dumps(body))
    assert (found.status, type(found.code), type(found.message), type(found.more_info)) == (status, int, str, str)
    assert found.message


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "work", [get(), lambda client: client.post("/v1/Services", []), lambda client: client.delete("/v1/X")]
)
def test_a_redirect_is_not_followed(status: int, work: Callable[[Client], Coroutine[Any, Any, Any]]) -> None:
    recorder = Recorder(status, b"", {"Location": "https://evil.example.com/"})
    with pytest.raises(Intercepted) as raised:
        ask(work, recorder)
    assert raised.value.status == status
    assert [request.url.host for request in recorder.requests] == ["conversations.twilio.com"]


REDIRECT = "a proxy or captive portal answered instead of Twilio, with a redirect (HTTP 302)"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://portal.example.com/login?next=s3cret", f"{REDIRECT} to http://portal.example.com"),
        ("https://ada:s3cret@portal.example.com:8443/#s3cret", f"{REDIRECT} to https://portal.example.com"),
        ("//portal.example.com/s3cret", f"{REDIRECT} to //portal.example.com"),
        ("/login?token=s3cret", REDIRECT),
        ("s3cret", REDIRECT),
        ("https://[s3cret", REDIRECT),
        ("", REDIRECT),
        (None, REDIRECT),
    ],
)
def test_a_redirect_says_where_it_leads_and_no_more(location: str | None, expected: str) -> None:
    headers = {} if location is None else {"Location": location}
    with pytest.raises(Intercepted) as raised:
        ask(get(), always(302, **headers))
    assert str(raised.value) == f"GET /v1/Configuration: {expected}"


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (407, b"", "the proxy requires a user name and password (HTTP 407); set them in HTTPS_PROXY"),
        (511, b"<html>", "the network requires a login (HTTP 511); open any page in a browser to log in"),
        (403, b"<html>blocked", "a proxy or captive portal answered instead of Twilio, with an HTML page (HTTP 403)"),
        (404, b"<!doctype html>", "a proxy or captive portal answered instead of Twilio, with an HTML page (HTTP 404)"),
    ],
)
def test_an_answer_that_is_not_the_apis_is_told_from_a_refusal(status: int, content: bytes, expected: str) -> None:
    for work in (get(), lambda client: client.post("/v1/Services", []), lambda client: client.delete("/v1/Services")):
        with pytest.raises(Intercepted) as raised:
            ask(work, always(status, content=content))
        assert str(raised.value).partition(": ")[2] == expected
        assert not raised.value.may_be_done


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_page_of_twilios_own_load_balancers_stays_a_refusal(status: int) -> None:
    assert refusal(status, b"<html>Bad Gateway</html>").status == status


def test_a_proxy_that_does_not_connect_is_named() -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError("407 Proxy Authentication Required")

    with pytest.raises(Unsent) as raised:
        ask(get(), handler)
    assert str(raised.value) == (
        f"GET /v1/Configuration: {HOST} cannot be reached: the proxy refused: 407 Proxy Authentication Required; check "
        "HTTPS_PROXY and NO_PROXY"
    )


@pytest.mark.parametrize(("broken", "hinted"), [(httpx.ConnectError("x"), 1), (httpx.ReadError("x"), 0)])
def test_a_regional_host_that_cannot_be_reached_names_the_variables(broken: Exception, hinted: int) -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise broken

    for host, count in (("conversations.dublin.ie1.twilio.com", hinted), ("conversations.twilio.com", 0)):
        with pytest.raises(Unreachable) as raised:
            ask(get(), handler, base=f"https://{host}")
        assert str(raised.value).count("check TWILIO_REGION and TWILIO_EDGE") == count


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (httpx.ConnectError("refused"), f"GET /v1/Configuration: {HOST} cannot be reached: refused"),
        (httpx.ReadError(""), f"GET /v1/Configuration: {HOST} cannot be reached: ReadError"),
        (httpx.RemoteProtocolError("bad"), f"GET /v1/Configuration: {HOST} cannot be reached: bad"),
        (httpx.ReadTimeout("slow"), f"GET /v1/Configuration: no answer from {HOST} within the time limit"),
        (httpx.ConnectTimeout("slow"), f"GET /v1/Configuration: no answer from {HOST} within the time limit"),
        (httpx.PoolTimeout("slow"), f"GET /v1/Configuration: no answer from {HOST} within the time limit"),
    ],
)
def test_no_answer_is_unreachable(broken: Exception, said: str) -> None:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise broken

    with pytest.raises(Unreachable) as raised:
        ask(get(), handler)
    assert str(raised.value) == said


def test_an_answer_that_cannot_be_unpacked_is_unreachable() -> None:
    with pytest.raises(ApiError):
        ask(get(), always(content=b"no gzip", Content_Encoding="gzip"))


def test_text_that_no_request_can_hold_is_malformed() -> None:
    with pytest.raises(Malformed):
        ask(lambda client: client.post("/v1/Services", [("FriendlyName", "\ud800")]), always(content="{}"))


@pytest.mark.parametrize("handler", [always(401), always(content="no json"), always(302, Location="/")])
def test_no_error_holds_the_password(handler: Handler) -> None:
    with pytest.raises(ApiError) as raised:
        ask(get(), handler)
    assert "s3cret" not in repr(raised.value) + str(raised.value)


# --- how many at once ------------------------------------------------------------------------------------------------


class Crowd:
    """An application that lets requests wait for each other and counts how many are there at once."""

    def __init__(self) -> None:
        self.reads = self.writes = self.most_reads = self.most_writes = self.most = self.first_writes = 0
        self.answered = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        is_write = scope["method"] != "GET"
        self.reads, self.writes = self.reads + (not is_write), self.writes + is_write
        self.most_reads, self.most_writes = max(self.most_reads, self.reads), max(self.most_writes, self.writes)
        self.most = max(self.most, self.reads + self.writes)
        if not self.answered:
            self.first_writes = self.most_writes
        await receive()
        for _ in range(20):
            await asyncio.sleep(0)
        self.answered = True
        self.reads, self.writes = self.reads - (not is_write), self.writes - is_write
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


def crowded(concurrency: int, reads: int, writes: int) -> Crowd:
    crowd = Crowd()

    async def run() -> None:
        async with Client(HOST, CREDENTIALS, concurrency=concurrency, transport=in_process(crowd)) as client:
            await asyncio.gather(
                *(client.get(f"/v1/{number}") for number in range(reads)),
                *(client.post(f"/v1/{number}", [("A", "b")]) for number in range(writes // 2)),
                *(client.delete(f"/v1/{number}") for number in range(writes - writes // 2)),
            )

    asyncio.run(run())
    return crowd


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (3, 3), (10, 10), (0, 1), (-5, 1)])
def test_no_more_requests_are_under_way_than_allowed(concurrency: int, most: int) -> None:
    crowd = crowded(concurrency, reads=30, writes=0)
    assert crowd.most_reads == most


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (2, 2), (3, 3), (4, 4), (10, 10)])
def test_writes_get_all_of_it_after_a_while(concurrency: int, most: int) -> None:
    crowd = crowded(concurrency, reads=0, writes=60)
    assert crowd.most_writes == most


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (2, 1), (3, 1), (4, 2), (10, 5)])
def test_writes_get_half_of_it_at_first(concurrency: int, most: int) -> None:
    crowd = crowded(concurrency, reads=0, writes=most + 3)
    assert crowd.first_writes == most


def test_reads_and_writes_share_the_limit() -> None:
    crowd = crowded(4, reads=20, writes=20)
    assert (crowd.most, crowd.most_writes) == (4, 4)


def test_a_request_that_fails_gives_its_place_back() -> None:
    async def many(client: Client) -> list[Any]:
        return await asyncio.gather(*(client.post("/v1/X", []) for _ in range(20)), return_exceptions=True)

    found = ask(many, always(500), concurrency=2)
    assert [type(item) for item in found] == [Refused] * 20


def test_each_of_many_at_once_has_a_connection_of_its_own() -> None:
    async def most() -> tuple[int, list[int]]:
        async with ReadClient(HOST, CREDENTIALS, concurrency=50) as client:
            held: list[list[int]] = []

            async def send(_request: httpx.Request, *, stream: bool) -> httpx.Response:
                assert stream
                held.append(list(client._connections._in_flight))
                await asyncio.sleep(0)
                return httpx.Response(200, json={})

            for pool in client._connections._pools:
                pool.send = send  # type: ignore[method-assign, assignment]
            await asyncio.gather(*(client.get("/v1/Configuration") for _ in range(200)))
            assert client._connections._in_flight == [0] * 50
            return len(client._connections._pools), [max(counts) for counts in zip(*held, strict=True)]

    assert asyncio.run(most()) == (50, [1] * 50)
