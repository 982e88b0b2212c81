"""Timers of conversations: durations, their limits, and what happens when one expires.

Durations are ISO 8601; at least one minute to inactive, ten to closed (OpenAPI; error dictionary 50375, 50376, 50379,
50380). Both are counted from the conversation's last activity (the OpenAPI examples count both from one moment).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, NamedTuple

from reconciler.emulator.behavior.checks import emptied
from reconciler.emulator.behavior.context import read_date, write_date
from reconciler.emulator.errors import refused
from reconciler.emulator.rules import StrictClearing
from reconciler.emulator.store import Facts, Row, Store

Name = Literal["inactive", "closed"]

_DURATION = re.compile(
    r"P(?=.)(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,6})M)?(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?\Z",
    re.ASCII,
)


class _Timer(NamedTuple):
    least: timedelta
    not_a_duration: int
    too_short: int


TIMERS: Mapping[Name, _Timer] = {
    "inactive": _Timer(timedelta(minutes=1), 50379, 50375),
    "closed": _Timer(timedelta(minutes=10), 50380, 50376),
}


def read_duration(text: str) -> timedelta | None:
    """Parse an ISO 8601 duration; None if it is invalid. A year has 365 days and a month 30 (our decision)."""
    found = _DURATION.match(text)
    if found is None:
        return None
    part = {name: int(number or 0) for name, number in found.groupdict().items()}
    try:
        return timedelta(
            days=part["years"] * 365 + part["months"] * 30 + part["weeks"] * 7 + part["days"],
            hours=part["hours"],
            minutes=part["minutes"],
            seconds=part["seconds"],
        )
    except OverflowError:
        return None


def judge(name: Name, text: str, *, empty: StrictClearing, zero: Literal["refused", "clears"]) -> str | None:
    """Check a timer and return its new value.

    Args:
        name: The timer.
        text: The duration that was sent.
        empty: What an empty text does.
        zero: What a duration of zero does.

    Returns:
        The duration as sent, "" to clear the timer, None to leave it as it is.

    Raises:
        ApiError: The duration is invalid or too short.
    """
    timer = TIMERS[name]
    malformed = refused(timer.not_a_duration, f"The {name} timer is not an ISO 8601 duration: {text}")
    if not text:
        return "" if emptied(empty, malformed) else None
    duration = read_duration(text)
    if duration is None:
        raise malformed
    if not duration and zero == "clears":
        return ""
    if duration < timer.least:
        raise refused(timer.too_short, f"The {name} timer is shorter than {timer.least}: {text}")
    return text


def wind(facts: Facts, since: str) -> None:
    """Set the times at which a conversation's timers expire, counted from a moment."""
    begin = read_date(since)
    instants: dict[str, str] = {}
    for name, text in facts["durations"].items():
        duration = read_duration(text)
        assert duration is not None
        try:
            instants[f"date_{name}"] = write_date(begin + duration)
        except OverflowError:
            # Past the year 9999 it never happens.
            continue
    facts["timers"] = instants


def schedule(row: Row) -> None:
    """Save when a timer next changes the conversation."""
    state, instants = row.facts["state"], row.facts["timers"]
    if state == "active":
        row.due = min(instants.values(), default=None)
    elif state == "inactive":
        row.due = instants.get("date_closed")
    else:
        row.due = None


def run(store: Store, now: str) -> None:
    """Apply every timer that has expired, in the order of their times.

    Active becomes inactive, either becomes closed, and closed is final (docs, states and timers).
    """
    while due := store.due(now):
        for row in due:
            moment = row.due
            assert moment is not None
            closes = row.facts["timers"].get("date_closed")
            set_state(row, "closed" if closes is not None and closes <= moment else "inactive")
            row.facts["date_updated"] = moment
            schedule(row)
            store.put(row)


def set_state(row: Row, state: str) -> None:
    """Set the state of a conversation. A closed one has no timers (unverified: our decision)."""
    row.facts["state"] = state
    if state == "closed":
        row.facts["durations"], row.facts["timers"] = {}, {}


def restart(row: Row, since: str) -> None:
    """Restart a conversation's timers from a moment of activity."""
    wind(row.facts, since)
    schedule(row)
