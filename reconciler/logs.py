"""What the shell does, as one line for each thing: a request, a wait before the next try, a step, a whole command.

Takes facts, each through a function whose parameters are all that its line can hold; gives lines, as text or as JSON,
to whoever asked for them (`writing`). Redacted by construction: there is no way to hand in a header, a body, a host or
a value of a resource, and names in paths become ``*``. What other libraries log is not shown at all: it may hold any of
these. A line is printable ASCII, whatever is in it, so nothing in an answer can forge another. A log that cannot be
written does not reach the run.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Literal

from reconciler.kinds.api_paths import path_words
from reconciler.redaction import spelled_out

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
Format = Literal["text", "json"]
FORMATS: tuple[Format, ...] = ("text", "json")

Fact = str | int | float
Write = Callable[[str], object]
"""Takes one line with its end."""

EVENTS: Mapping[str, tuple[str, ...]] = {
    "begin": ("command", "version"),
    "request": ("method", "path", "status", "failure", "ms", "attempt", "code", "request_id", "bytes"),
    "retry": ("method", "path", "attempt", "seconds", "reason"),
    "step": ("op", "address", "status", "ms", "sid", "cause", "code", "request_id"),
    "end": ("command", "exit_code", "ms"),
}
"""The keys that a line of each sort may have, in their order; time, level and event come before them."""

_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_PLAIN = re.compile(r"""[!#-&(-<>-\[\]-~]+\Z""")
_MOST_PARTS = 20
_LOGGER = logging.getLogger("reconciler")


# --- what there is to tell -------------------------------------------------------------------------------------------


def is_wanted(level: Level) -> bool:
    """Whether anybody hears of what has this level."""
    return _LOGGER.isEnabledFor(_number(level))


def begin(command: str, version: str) -> None:
    """A command began."""
    _tell("info", "begin", command=command, version=version)


def end(command: str, *, exit_code: int, ms: float) -> None:
    """A command ended."""
    _tell("info", "end", command=command, exit_code=exit_code, ms=_rounded(ms))


def request(
    method: str,
    path: str,
    *,
    attempt: int,
    ms: float,
    status: int | None = None,
    failure: str = "",
    code: int | None = None,
    request_id: str = "",
    size: int | None = None,
) -> None:
    """A request was answered, or was not.

    Args:
        method: the HTTP verb.
        path: path and query, without the host.
        attempt: the how-manieth time it was sent.
        ms: how long it took, waits before it not counted.
        status: the answer's.
        failure: for what was not answered, the sort of failure, in a word of our own.
        code: Twilio's error code.
        request_id: the answer's ``Twilio-Request-Id``; left out when it does not look like one.
        size: of the answer's body, in bytes.
    """
    if not is_wanted("debug"):
        return
    _tell(
        "debug",
        "request",
        method=method,
        path=shown_path(path),
        status=status,
        failure=failure or None,
        ms=_rounded(ms),
        attempt=attempt,
        code=code,
        request_id=shown_request_id(request_id),
        bytes=size,
    )


def retry(method: str, path: str, *, attempt: int, seconds: float, reason: str, level: Level = "info") -> None:
    """A request is going to be sent again.

    Args:
        method: the HTTP verb.
        path: path and query, without the host.
        attempt: the how-manieth time it was sent when it failed.
        seconds: how long it waits.
        reason: why, in words of our own.
        level: a warning for what a person should know of.
    """
    if is_wanted(level):
        seconds = round(seconds, 1)
        _tell(level, "retry", method=method, path=shown_path(path), attempt=attempt, seconds=seconds, reason=reason)


def step(
    op: str,
    address: str,
    *,
    status: str,
    ms: float | None = None,
    sid: str = "",
    cause: str = "",
    code: int | None = None,
    request_id: str = "",
) -> None:
    """A step of an apply ended.

    Args:
        op: what was asked.
        address: where the resource stands in the files: handles, which are the files' own words, and SIDs.
        status: how it ended.
        ms: how long it took; None for what was not begun.
        sid: the resource, where it is known.
        cause: for a failure, its sort in one word.
        code: Twilio's error code.
        request_id: what to tell Twilio's support.
    """
    level: Level = "error" if status in {"failed", "interrupted"} else "info"
    if not is_wanted(level):
        return
    _tell(
        level,
        "step",
        op=op,
        address=address,
        status=status,
        ms=None if ms is None else _rounded(ms),
        sid=sid if _SID.match(sid) else None,
        cause=cause or None,
        code=code,
        request_id=shown_request_id(request_id),
    )


def shown_path(path: str) -> str:
    """A path with ``*`` for every part that is neither the API's own word nor a SID: it may be a person's name.

    Of the query, only numbers of pages stay; page tokens are the server's, and may hold anything.
    """
    before, mark, query = path.partition("?")
    parts, words = before.split("/")[:_MOST_PARTS], path_words()
    told = "/".join(part if not part or part in words or _SID.match(part) else "*" for part in parts)
    if not mark:
        return told
    return f"{told}?{'&'.join(_shown_parameter(pair) for pair in query.split('&')[:_MOST_PARTS])}"


def _shown_parameter(pair: str) -> str:
    name, _, value = pair.partition("=")
    if name in {"PageSize", "Page"} and re.match(r"[0-9]{1,9}\Z", value):
        return pair
    return f"{name}=*" if name in {"PageSize", "Page", "PageToken"} else "*"


def shown_request_id(text: str) -> str | None:
    """A request's id when it looks like one."""
    return text if _REQUEST_ID.match(text) else None


def _rounded(ms: float) -> float:
    return round(ms, 1)


def _tell(level: Level, event: str, **facts: Fact | None) -> None:
    _LOGGER.log(_number(level), event, extra={"facts": facts})


def _number(level: Level) -> int:
    return {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}[level]


# --- where it goes ---------------------------------------------------------------------------------------------------


class _Lines(logging.Handler):
    """Writes one line for each event."""

    def __init__(self, form: Format, write: Write, only: frozenset[str]) -> None:
        super().__init__()
        self.form = form
        self.write = write
        self.only = only

    def emit(self, record: logging.LogRecord) -> None:
        event, facts = str(record.msg), getattr(record, "facts", None)
        if event not in self.only or not isinstance(facts, Mapping):
            return
        head = {"time": _moment(record.created), "level": record.levelname.lower(), "event": event}
        kept = {key: facts[key] for key in EVENTS[event] if facts.get(key) is not None}
        with suppress(Exception):
            self.write(_as_json({**head, **kept}) if self.form == "json" else _as_text(head, kept))


@contextmanager
def writing(
    write: Write, *, form: Format = "text", level: Level = "info", only: frozenset[str] = frozenset(EVENTS)
) -> Iterator[None]:
    """Write what is told, as long as this lasts.

    Args:
        write: takes each line.
        form: what a line looks like.
        level: what is less urgent than this is left out.
        only: which events.
    """
    handler = _Lines(form, write, only)
    before = (_LOGGER.level, _LOGGER.propagate)
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(_number(level))
    _LOGGER.propagate = False
    # Without any handler Python writes warnings of every library to standard error, as they come.
    silence = logging.NullHandler()
    logging.getLogger().addHandler(silence)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        logging.getLogger().removeHandler(silence)
        _LOGGER.setLevel(before[0])
        _LOGGER.propagate = before[1]


@contextmanager
def through(write: Write) -> Iterator[None]:
    """Let the lines go another way for a while, past what is drawn on a terminal."""
    handlers = [handler for handler in _LOGGER.handlers if isinstance(handler, _Lines)]
    before = [handler.write for handler in handlers]
    for handler in handlers:
        handler.write = write
    try:
        yield
    finally:
        for handler, former in zip(handlers, before, strict=True):
            handler.write = former


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_json(facts: Mapping[str, Fact]) -> str:
    return spelled_out(json.dumps(facts, ensure_ascii=True)) + "\n"


def _as_text(head: Mapping[str, str], facts: Mapping[str, Fact]) -> str:
    told = " ".join(f"{key}={_quoted(fact)}" for key, fact in facts.items())
    return f"{head['time']} {head['level'].upper()} {head['event']} {told}\n"


def _quoted(fact: Fact) -> str:
    """A fact as it is, in quotes when it holds what could be taken for another."""
    if not isinstance(fact, str):
        return str(fact)
    return fact if _PLAIN.match(fact) else spelled_out(json.dumps(fact, ensure_ascii=True))
