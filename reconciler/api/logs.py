"""Structured log lines: one for each request, each retry, each step, and the start and end of a command.

Takes facts, through one function for each event, whose parameters are all that its line can contain; returns lines, as
text or JSON, to the writer that `writing` sets. Redacted by construction: no function accepts a header, a body, a host,
or a value of a resource, and names in paths become ``*``. Messages of other libraries are not shown, since they may
contain any of these. A line is printable ASCII, whatever is in it, so an answer cannot forge another line. A log that
cannot be written does not affect the run.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Literal

from reconciler.redaction import spelled_out

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
Format = Literal["text", "json"]
FORMATS: tuple[Format, ...] = ("text", "json")

Fact = str | int | float
Write = Callable[[str], object]
"""Takes one line, with its line break."""

EVENTS: Mapping[str, tuple[str, ...]] = {
    "begin": ("command", "version"),
    "request": ("method", "path", "status", "failure", "ms", "attempt", "code", "request_id", "bytes"),
    "retry": ("method", "path", "attempt", "seconds", "reason"),
    "step": ("op", "address", "status", "ms", "sid", "cause", "code", "request_id"),
    "end": ("command", "exit_code", "ms"),
}
"""The keys that a line of each event may have, in order; time, level, and event precede them."""

_SID = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_PLAIN = re.compile(r"""[!#-&(-<>-\[\]-~]+\Z""")
_MOST_PARTS = 20
_LOGGER = logging.getLogger("reconciler")


# --- events ----------------------------------------------------------------------------------------------------------


def is_wanted(level: Level) -> bool:
    """Return whether events of a level are written."""
    return _LOGGER.isEnabledFor(_number(level))


def begin(command: str, version: str) -> None:
    """Log the start of a command."""
    _log("info", "begin", command=command, version=version)


def end(command: str, *, exit_code: int, ms: float) -> None:
    """Log the end of a command."""
    _log("info", "end", command=command, exit_code=exit_code, ms=_rounded(ms))


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
    """Log one attempt at a request.

    Args:
        method: the HTTP verb.
        path: path and query, without the host.
        attempt: the number of the attempt, from 1.
        ms: its duration, without waits before it.
        status: the HTTP status of the answer.
        failure: without an answer, the category of the failure.
        code: Twilio's error code.
        request_id: the answer's ``Twilio-Request-Id``; omitted if it does not look like one.
        size: the size of the answer's body in bytes.
    """
    if not is_wanted("debug"):
        return
    _log(
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
    """Log the wait before a retry.

    Args:
        method: the HTTP verb.
        path: path and query, without the host.
        attempt: the number of the failed attempt, from 1.
        seconds: the duration of the wait.
        reason: the reason, without the API's own words.
        level: ``warning`` for a wait that a user should notice.
    """
    if is_wanted(level):
        seconds = round(seconds, 1)
        _log(level, "retry", method=method, path=shown_path(path), attempt=attempt, seconds=seconds, reason=reason)


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
    """Log the end of a step of an apply.

    Args:
        op: the operation.
        address: the address of the resource, which consists of the configuration's handles and of SIDs.
        status: the result.
        ms: the duration; None if it was not started.
        sid: the resource, if known.
        cause: the category of a failure.
        code: Twilio's error code.
        request_id: the request's ID, for Twilio's support.
    """
    level: Level = "error" if status in {"failed", "interrupted"} else "info"
    if not is_wanted(level):
        return
    _log(
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
    """Replace each part of a path that is neither the API's own word nor a SID by ``*``: it may be a person's name.

    Only page numbers and sizes are kept of the query; page tokens may contain anything.
    """
    from reconciler.kinds.api_paths import path_words  # noqa: PLC0415 - help and completion do without the kinds

    before, mark, query = path.partition("?")
    parts, words = before.split("/")[:_MOST_PARTS], path_words()
    shown = "/".join(part if not part or part in words or _SID.match(part) else "*" for part in parts)
    if not mark:
        return shown
    return f"{shown}?{'&'.join(_shown_parameter(pair) for pair in query.split('&')[:_MOST_PARTS])}"


def _shown_parameter(pair: str) -> str:
    name, _, value = pair.partition("=")
    if name in {"PageSize", "Page"} and re.match(r"[0-9]{1,9}\Z", value):
        return pair
    return f"{name}=*" if name in {"PageSize", "Page", "PageToken"} else "*"


def shown_request_id(text: str) -> str | None:
    """Return a request's ID, or None if it does not look like one."""
    return text if _REQUEST_ID.match(text) else None


def _rounded(ms: float) -> float:
    return round(ms, 1)


def _log(level: Level, event: str, **facts: Fact | None) -> None:
    _LOGGER.log(_number(level), event, extra={"facts": facts})


def _number(level: Level) -> int:
    return {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}[level]


# --- output ----------------------------------------------------------------------------------------------------------


class _Lines(logging.Handler):
    """A handler that writes one line for each event."""

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
    """Write log lines while the context is active.

    Args:
        write: receives each line.
        form: the format of lines.
        level: the lowest level that is written.
        only: the events that are written.
    """
    handler = _Lines(form, write, only)
    before = (_LOGGER.level, _LOGGER.propagate)
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(_number(level))
    _LOGGER.propagate = False
    # Without any handler, Python writes the warnings of every library to standard error.
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
def redirected(write: Write) -> Iterator[None]:
    """Send log lines to another writer while the context is active, which keeps a display on the terminal intact."""
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
    pairs = " ".join(f"{key}={_quoted(fact)}" for key, fact in facts.items())
    return f"{head['time']} {head['level'].upper()} {head['event']} {pairs}\n"


def _quoted(fact: Fact) -> str:
    """Quote a fact if it contains a character that could be mistaken for its end."""
    if not isinstance(fact, str):
        return str(fact)
    return fact if _PLAIN.match(fact) else spelled_out(json.dumps(fact, ensure_ascii=True))
