"""What the client sends again, after how long, and how many requests at once it allows itself meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pytest

import reconciler.api.client
from reconciler.api.client import Client
from reconciler.api.concurrency_limit import ConcurrencyLimit
from reconciler.api.credentials import Credentials
from reconciler.api.retry import LONGEST_RETRY_AFTER, LONGEST_WAIT, Retry, is_ambiguous
from reconciler.errors import ApiError, Intercepted, Malformed, Refused, Unreachable, Unsent
from tests.builders import ACCOUNT

HOST = "https://conversations.twilio.com"
Answer = TypeVar("Answer")
Work = Callable[[Client], Coroutine[Any, Any, Any]]


@dataclass
class Time:
    """A clock on which only waiting takes time, and the longest possible wait is always drawn."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)

    def retry(self, **options: Any) -> Retry:
        return Retry(
            sleep=self.sleep,
            uniform=lambda _low, high: high,
            clock=lambda: self.seconds,
            now=lambda: datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC),
            **options,
        )


class Script:
    """Answers one thing after the other, the last one for ever; an exception is raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers: Iterator[httpx.Response | Exception] = iter(answers)
        self.latest: httpx.Response | Exception = httpx.Response(200, json={})
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        self.latest = next(self.answers, self.latest)
        if isinstance(self.latest, Exception):
            raise self.latest
        answer = self.latest
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def ask(work: Work, script: Script, retry: Retry) -> Any:
    async def run() -> Any:
        transport = httpx.MockTransport(script)
        async with Client(HOST, Credentials("SK1", "a-secret", ACCOUNT), transport=transport, retry=retry) as client:
            return await work(client)

    return asyncio.run(run())


def get(client: Client) -> Coroutine[Any, Any, Any]:
    return client.get("/v1/Services/IS1")


def create(client: Client) -> Coroutine[Any, Any, Any]:
    return client.post("/v1/Services", [("FriendlyName", "a")])


def update(client: Client) -> Coroutine[Any, Any, Any]:
    return client.post("/v1/Services/IS1", [("FriendlyName", "a")], idempotent=True)


def delete(client: Client) -> Coroutine[Any, Any, None]:
    return client.delete("/v1/Services/IS1")


def no(status: int, code: int = 0, **headers: str) -> httpx.Response:
    body = {"code": code or status, "message": "no"}
    content = json.dumps(body, separators=(",", ":")).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.Response(status, content=content, headers={"Content-Type": "application/json", **named})


YES = httpx.Response(200, json={"sid": "IS1"})

# --- what is sent again ----------------------------------------------------------------------------------------------

REFUSED_FOR_NOW: list[httpx.Response | Exception] = [
    no(429),
    no(429, 20429),
    no(429, 50063),
    *(no(409, code) for code in (20162, 50213, 50391, 50419)),
]
REFUSED_FOR_NOW += [no(409, 50002), no(503, 50002), httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")]
MAYBE_DONE: list[httpx.Response | Exception] = [
    no(500),
    no(502),
    no(503),
    no(504),
    httpx.ReadError("reset"),
    httpx.ReadTimeout("slow"),
]
MAYBE_DONE += [httpx.RemoteProtocolError("cut"), httpx.Response(200, content=b'{"sid": "IS'), httpx.WriteError("reset")]


def named(answer: object) -> str:
    return f"{answer.status_code}-{answer.content[:14]!r}" if isinstance(answer, httpx.Response) else repr(answer)


@pytest.mark.parametrize("work", [get, create, update, delete])
@pytest.mark.parametrize("answer", REFUSED_FOR_NOW, ids=named)
def test_what_was_not_processed_is_sent_again_whatever_it_is(work: Work, answer: Any) -> None:
    async def known(client: Client) -> None:
        await get(client)
        await work(client)

    script = Script(YES, answer, answer, YES)
    ask(known, script, Time().retry())
    assert len(script.asked) == 4


@pytest.mark.parametrize("work", [get, update, delete])
@pytest.mark.parametrize("answer", MAYBE_DONE, ids=named)
def test_what_may_be_done_twice_is_sent_again_when_its_answer_is_lost(work: Work, answer: Any) -> None:
    script = Script(answer, YES)
    ask(work, script, Time().retry())
    assert len(script.asked) == 2


@pytest.mark.parametrize("answer", MAYBE_DONE, ids=named)
def test_a_create_whose_answer_is_lost_is_not_sent_again_and_says_so(answer: Any) -> None:
    script = Script(answer, YES)
    with pytest.raises(ApiError) as raised:
        ask(create, script, Time().retry())
    assert script.asked == ["POST"]
    assert is_ambiguous(raised.value)


@pytest.mark.parametrize("work", [get, create, update, delete])
@pytest.mark.parametrize(
    "answer", [no(400), no(401), no(403), no(404), no(409), no(409, 50353), no(501), no(302), no(407)]
)
def test_what_would_be_refused_again_is_sent_once(work: Work, answer: httpx.Response) -> None:
    script = Script(answer, YES)
    with pytest.raises((Refused, Intercepted)) as raised:
        ask(work, script, Time().retry())
    assert len(script.asked) == 1
    assert not is_ambiguous(raised.value)


@pytest.mark.parametrize(("error", "expected"), [(Unreachable(""), True), (Malformed(""), True), (Unsent(""), False)])
def test_a_lost_answer_is_ambiguous_and_a_connection_that_never_was_is_not(
    error: ApiError,
    expected: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert is_ambiguous(error) is expected


def test_a_delete_that_finds_nothing_left_after_a_lost_answer_is_done() -> None:
    script = Script(httpx.ReadError("reset"), no(429), no(404))
    ask(delete, script, Time().retry())
    assert script.asked == ["DELETE"] * 3


def test_a_delete_that_was_only_put_off_and_finds_nothing_says_so() -> None:
    with pytest.raises(Refused):
        ask(delete, Script(no(429), no(404)), Time().retry())


def test_every_attempt_counts_as_a_request() -> None:
    async def some(client: Client) -> tuple[int, int]:
        await update(client)
        await get(client)
        return client.requests, client.writes

    assert ask(some, Script(no(503), YES, no(503), YES), Time().retry()) == (4, 2)


def test_a_page_is_asked_for_again() -> None:
    page = httpx.Response(200, json={"things": [1], "meta": {}})
    found = ask(lambda client: client.list("/v1/Things", "things", 50), Script(no(504), page), Time().retry())
    assert list(found) == [1]


# --- for how long ----------------------------------------------------------------------------------------------------


def test_the_waits_double_up_to_a_limit_and_the_attempts_end() -> None:
    time, script = Time(), Script(no(503))
    with pytest.raises(Refused) as raised:
        ask(get, script, time.retry())
    assert raised.value.refusal.status == 503
    assert time.waits == [0.5, 1, 2, 4, 8, 16, LONGEST_WAIT]
    assert len(script.asked) == 8


def test_an_address_where_nobody_has_ever_answered_is_told_at_once() -> None:
    time, stranger = Time(), Script(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable):
        ask(get, stranger, time.retry())
    assert (stranger.asked, time.waits) == (["GET"], [])


def test_waits_are_drawn_from_nought_on() -> None:
    time = Time()
    drawn: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    retry = time.retry()
    retry.uniform = uniform
    ask(get, Script(no(503), no(503), YES), retry)
    assert (drawn, time.waits) == ([(0, 0.5), (0, 1.0)], [0, 0])


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        (" 3 ", 3),
        ("100000", LONGEST_RETRY_AFTER),
        ("9" * 5000, LONGEST_RETRY_AFTER),
        ("Fri, 02 Jan 2026 12:00:09 GMT", 9),
        ("Fri, 02 Jan 2026 12:00:09", 9),
        ("Fri, 02 Jan 2026 11:00:00 GMT", 0),
        ("Sat, 03 Jan 2026 12:00:00 GMT", LONGEST_RETRY_AFTER),
        ("", 0.5),
        ("soon", 0.5),
        ("-5", 0.5),
        ("1.5", 0.5),
        ("Fri, 99 Jan 2026 12:00:09 GMT", 0.5),
    ],
)
def test_an_answer_says_when_to_come_back(header: str, seconds: float) -> None:
    time = Time()
    ask(get, Script(no(429, Retry_After=header), YES), time.retry())
    assert time.waits == [seconds]


def test_nothing_is_waited_for_that_lies_behind_the_deadline() -> None:
    time, script = Time(), Script(no(503))
    with pytest.raises(Refused):
        ask(get, script, time.retry(timeout=3))
    # Another two seconds would be too long: the last refusal is told at once.
    assert time.waits == [0.5, 1]


def test_nothing_is_sent_behind_the_deadline() -> None:
    time, script = Time(), Script(YES)
    retry = time.retry(timeout=3)
    time.seconds = 3
    with pytest.raises(Unreachable, match="--timeout"):
        ask(get, script, retry)
    assert script.asked == []


def test_an_interrupt_ends_a_wait() -> None:
    async def run() -> list[str]:
        stop = asyncio.Event()

        async def forever(_seconds: float) -> None:
            stop.set()
            await asyncio.Event().wait()

        script = Script(no(503))
        transport = httpx.MockTransport(script)
        retry = Retry(stop=stop, sleep=forever)
        async with Client(HOST, Credentials("SK1", "a-secret", ACCOUNT), transport=transport, retry=retry) as client:
            with pytest.raises(Refused):
                await get(client)
        return script.asked

    assert asyncio.run(run()) == ["GET"]


# --- how many at once ------------------------------------------------------------------------------------------------


def test_too_many_halves_what_is_allowed_once_for_what_was_sent_together() -> None:
    limit = ConcurrencyLimit(10)
    limit.on_too_many_requests(0)
    limit.on_too_many_requests(0)
    assert limit.limit == 5
    limits = []
    for generation in range(1, 5):
        limit.on_too_many_requests(generation)
        limits.append(limit.limit)
    assert limits == [2, 1, 1, 1]


def test_good_answers_bring_it_back_slowly_and_no_further_than_it_was() -> None:
    limit = ConcurrencyLimit(4)
    limit.on_too_many_requests(0)
    limits = []
    for _ in range(100):
        limit.on_answer(1, 0)
        limits.append(limit.limit)
    assert limits == [2] * 39 + [3] * 20 + [4] * 41


def writes_after(limit: ConcurrencyLimit, answers: int, others: int = 0) -> list[int]:
    limits = []
    for _ in range(answers):
        limit.on_answer(0, others, write=True)
        limits.append(limit.write_limit)
    return limits


def test_writes_begin_with_half_and_rise_to_all_while_the_account_takes_them_easily() -> None:
    assert ConcurrencyLimit(10).write_limit == 5
    assert writes_after(ConcurrencyLimit(10), 12) == [5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 10]


def test_writes_do_not_rise_while_the_rest_of_the_account_gets_busier() -> None:
    limit = ConcurrencyLimit(10)
    assert writes_after(limit, 2) == [5, 6]
    assert writes_after(limit, 40, others=11) == [6] * 40
    assert writes_after(limit, 2, others=10) == [6, 7]


def test_a_refusal_halves_writes_and_makes_them_rise_slowly() -> None:
    limit = ConcurrencyLimit(10)
    writes_after(limit, 40)
    limit.on_too_many_requests(0)
    assert (limit.limit, limit.write_limit) == (5, 2)
    assert writes_after(limit, 60) == [2] * 39 + [3] * 20 + [4]


def test_a_refusal_never_raises_the_limit_of_writes() -> None:
    limit = ConcurrencyLimit(10)
    for generation in range(4):
        limit.on_too_many_requests(generation)
    for _ in range(300):
        limit.on_answer(4, 0)
    assert (limit.limit, limit.write_limit) == (10, 1)
    limit.on_too_many_requests(4)
    assert (limit.limit, limit.write_limit) == (5, 1)


def test_reads_do_not_raise_the_limit_of_writes() -> None:
    limit = ConcurrencyLimit(10)
    for _ in range(100):
        limit.on_answer(0, 0)
    assert limit.write_limit == 5


def test_it_gives_way_to_the_rest_of_the_account_but_not_for_good() -> None:
    limit = ConcurrencyLimit(8)
    for generation in range(20):
        limit.on_answer(generation, 17)
    assert limit.limit == 2
    limit.on_answer(limit.limit, 16)
    assert limit.limit == 2


def most_at_once(answer: Callable[[int, int], httpx.Response], requests: int) -> list[int]:
    """Send many reads at once; gives how many were under way when each one came."""
    under_way = 0
    seen: list[int] = []

    async def handler(_request: httpx.Request) -> httpx.Response:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        here = under_way
        for _ in range(10):
            await asyncio.sleep(0)
        under_way -= 1
        return answer(len(seen), here)

    async def run() -> None:
        transport = httpx.MockTransport(handler)
        retry = Time().retry()
        async with Client(HOST, Credentials("SK1", "a-secret", ACCOUNT), transport=transport, retry=retry) as client:
            await asyncio.gather(*(get(client) for _ in range(requests)))

    asyncio.run(run())
    return seen


def test_fewer_requests_are_under_way_once_there_were_too_many() -> None:
    seen = most_at_once(lambda _number, here: no(429) if here > 3 else YES, requests=60)
    assert max(seen[:10]) == 10
    assert max(seen[20:]) <= 5


def test_a_header_that_is_no_number_is_ignored() -> None:
    answer = httpx.Response(200, json={}, headers={"Twilio-Concurrent-Requests": "many"})
    assert ask(get, Script(answer), Time().retry()) == {}


def test_whoever_stops_waiting_for_a_place_leaves_the_queue() -> None:
    async def run() -> int:
        limit = ConcurrencyLimit(1)

        async def hold() -> None:
            async with limit.slot(write=True):
                await asyncio.sleep(0)

        async with limit.slot(write=False):
            waiting = [asyncio.create_task(hold()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert not waiting[2].cancelled()
        return limit.in_use

    assert asyncio.run(run()) == 0


# --- answers that never come, and the end of the command's time ------------------------------------------------------


def hang(work: Work, *, timeout: float, answers: list[httpx.Response] | None = None) -> tuple[ApiError, list[str]]:
    """Ask somebody who gives some answers and then none; how it failed, and what was asked."""
    given = iter(answers or [])
    asked: list[str] = []

    async def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        answer = next(given, None)
        if answer is None:
            await asyncio.Event().wait()
            raise AssertionError
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def run() -> ApiError:
        retry = Retry(timeout=timeout)
        transport = httpx.MockTransport(handler)
        async with Client(HOST, Credentials("SK1", "a-secret", ACCOUNT), transport=transport, retry=retry) as client:
            with pytest.raises(ApiError) as raised:
                await work(client)
            return raised.value

    return asyncio.run(run()), asked


def test_a_read_that_is_not_answered_ends_with_the_command_s_time() -> None:
    error, asked = hang(get, timeout=0.05)
    assert str(error) == (f"GET /v1/Services/IS1: no answer from {HOST} before the command's deadline (--timeout)")
    assert asked == ["GET"]


def test_a_write_that_is_not_answered_has_a_little_longer_and_may_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler.api.client, "_LATE_WRITE", 0.05)
    error, asked = hang(create, timeout=0.05)
    assert is_ambiguous(error)
    assert asked == ["POST"]


def test_an_answer_that_never_ends_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler.api.client, "_LONGEST_ANSWER", 0.05)
    error, asked = hang(create, timeout=60)
    assert str(error) == f"POST /v1/Services: no answer from {HOST} within the time limit"
    assert is_ambiguous(error)
    assert asked == ["POST"]


def test_what_was_lost_before_the_time_was_up_is_told_and_not_that_it_was_not_sent_again() -> None:
    time, script = Time(), Script(httpx.ReadError("reset"), YES)
    retry = time.retry(timeout=1)

    async def slow(seconds: float) -> None:
        # Somebody else takes the rest of the time.
        time.seconds += seconds + 1

    retry.sleep = slow
    with pytest.raises(Unreachable, match="cannot be reached: reset") as raised:
        ask(update, script, retry)
    assert is_ambiguous(raised.value)
    assert script.asked == ["POST"]
