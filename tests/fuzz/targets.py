"""What is fuzzed: each target takes one hostile input, and ends in a result or in an error that is documented.

An error of any other sort, or a result that cannot be shown, is a finding. Inputs are made by hypothesis
(`test_fuzz`, `python -m tests.fuzz`) or by atheris (`python -m tests.fuzz --engine atheris`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from reconciler import config
from reconciler.address import Address, AddressError
from reconciler.cli import showing
from reconciler.cli.output import Output
from reconciler.config.sources import select
from reconciler.documents.approval import not_approved
from reconciler.documents.drift import DriftFile, drift_document, parse_drift
from reconciler.documents.plan import PlanFile, parse_plan
from reconciler.documents.report import ReportFile, parse_report
from reconciler.documents.undo_source import undo_targets
from reconciler.emulator.errors import EmulatorError
from reconciler.emulator.faults import Faults
from reconciler.errors import ConfigError, PlanFileError
from reconciler.kinds import certificates
from reconciler.kinds.comparable import duration
from reconciler.redaction import Redaction, url_holds_secret
from reconciler.render.problems import problems_text
from tests.config.memory import MemorySources

FOLDER = Path(__file__).resolve().parents[1] / "hostile"
PLAN = (FOLDER / "plan.json").read_text(encoding="utf-8")
ENVIRONMENT = {"A": "a", "EMPTY": "", "TOKEN": "hunter2hunter2", "ODD": "${env:A}\n\x1b[31m"}


@dataclass(frozen=True)
class Target:
    """Something that reads hostile input.

    Attributes:
        name: what it is.
        run: takes one input; raises for a finding.
        inputs: how hypothesis makes them.
    """

    name: str
    run: Callable[[bytes], object]
    inputs: st.SearchStrategy[bytes]


# --- what is done with an input --------------------------------------------------------------------------------------


def _load(data: bytes) -> None:
    files = {"reconciler.yaml": data, "a.yaml": b"x-a: 1\n", "b.txt": b"text\n"}
    try:
        found = config.load(MemorySources(files, ENVIRONMENT), allow_unset=True)
    except ConfigError as error:
        text = problems_text(error.problems, error.lines, colour=False)
        _seen(text)
        return
    assert found.digest.startswith("sha256:")
    assert all(str(Address.parse(str(address))) == str(address) for address in found.resources)


def _interpolate(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    quoted = json.dumps("".join(character for character in text if character.isprintable()))
    _load(f"version: 1\nvariables: {{v: {quoted}}}\nservices: {{a: {{friendly_name: {quoted}}}}}\n".encode())


def _address(data: bytes) -> None:
    try:
        found = Address.parse(data.decode("utf-8", "replace"))
    except AddressError:
        return
    assert Address.parse(str(found)) == found


def _saved(parse: Callable[[bytes, str], Any], show: Callable[..., None]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        try:
            found = parse(data, "saved.json")
        except PlanFileError as error:
            assert len(str(error)) < 1000  # noqa: PT017 - any other error is a finding
            return
        assert parse(found.to_json().encode(), "saved.json") == found
        show(found)

    return run


_OUTPUT = Output("text", verbose=True, may_colour=False)


def _seen(text: str) -> None:
    """Whatever it is, nothing in it moves a cursor."""
    assert all(character == "\n" or character.isprintable() for character in text), text


def _show_plan(found: PlanFile) -> None:
    for render in showing.PLAN.values():
        _seen(render(found, _OUTPUT))
    _show_drift(drift_document(found))
    assert not_approved(found, found, {}) == ()


def _show_drift(found: DriftFile) -> None:
    for render in showing.DRIFT.values():
        _seen(render(found, _OUTPUT))


def _show_report(found: ReportFile) -> None:
    for render in showing.REPORT.values():
        _seen(render(found, None, _OUTPUT))
    with suppress(PlanFileError):
        undo_targets(found, "report.json")


def _faults(data: bytes) -> None:
    try:
        Faults.parse(data.decode("utf-8", "replace"))
    except EmulatorError:
        return


def _glob(data: bytes) -> None:
    pattern, _, path = data.decode("utf-8", "replace").partition("\n")
    assert set(select(pattern, [path, "a/b.yaml", ".hidden"])) <= {path, "a/b.yaml", ".hidden"}


def _small(data: bytes) -> None:
    """The little readers: durations, URLs, certificates, redaction."""
    text = data.decode("utf-8", "replace")
    found = duration(text)
    assert found is None or min(found) >= 0
    url_holds_secret(text)
    for read in (certificates.read_certificate, certificates.read_private_key):
        try:
            read(text)
        except certificates.NotReadable as error:
            assert text not in error.message or len(text) < 30  # noqa: PT017 - any other error is a finding
    half = len(text) // 2
    told = Redaction([text[:half]])(text)
    assert half < 12 or text.lower().startswith("http") or text[:half] not in told


# --- how inputs are made ---------------------------------------------------------------------------------------------

_WORDS = ["version:", "1\n", "services:", "support:", "roles:", "agent:", "users:", "conversations:", "webhooks:", "participants:", "addresses:", "account:", "credentials:", "templates:", "variables:", "environments:", "prune:", "limits:", "approvals:", "include:", "x-a:", "sid:", "absent:", "true", "null", "~", "lifecycle:", "sensitive:", "!unset", "!!python/name:os", "!!str", "!!binary", "&a", "*a", "<<", ":", "-", "[", "]", "{", "}", ",", "?", "|", ">", "'", '"', "#", "%", "@", "`", "---", "...", "\n", "${env:A}", "${env:NOT}", "${var:v}", "${file:b.txt}", "${secret:TOKEN}", "${evn:A}", "${", "}", ":-", "$${env:", "${MESSAGE}", "PT1H", "P", "1e999", ".nan", "0x1f", "+14155550100", "https://a@b", "https://x/?token=y", "friendly_name:", "attributes:", "type:", "conversation", "permissions:", "[sendMessage]", "{a:", "1}", "{a:", "{b:", "[1,", "~]}}", "\t", "\r", "\\", "\\u0000", "\\ud800", ".", "..", "/", "*.yaml", "**", "reconciler.yaml", "default", "support"]  # fmt: skip  # noqa: E501 - words, one after the other
_words = st.lists(st.sampled_from([*_WORDS, "\n", "\n  ", "\n    ", " ", "  "]) | st.text(max_size=4), max_size=60)
_text = st.one_of(
    _words.map(" ".join),
    _words.map("".join),
    st.text(max_size=200),
    st.lists(st.sampled_from(list("${}:-envarfilsctABC_. \\\"'[]")), max_size=80).map("".join),
)
_bytes = st.one_of(_text.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=200))
_yaml = st.one_of(
    _bytes,
    _text.map(lambda text: f"version: 1\n{text}\n".encode("utf-8", "replace")),
    _text.map(lambda text: f"version: 1\nservices:\n  support:\n    {text}\n".encode("utf-8", "replace")),
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def _spoilt(seed: str) -> st.SearchStrategy[bytes]:
    """A valid document with values in it replaced, and with bytes of its text replaced."""

    @st.composite
    def make(draw: st.DrawFn) -> bytes:
        document = json.loads(seed)
        for _ in range(draw(st.integers(0, 4))):
            where: Any = document
            for _ in range(draw(st.integers(0, 8))):
                keys = list(where) if isinstance(where, dict) else list(range(len(where)))
                if not keys:
                    break
                key = draw(st.sampled_from(keys))
                if not isinstance(where[key], (dict, list)) or draw(st.booleans()):
                    where[key] = draw(
                        _json | st.just({"secret": "X"}) | st.just({"ref": "a.b"}) | st.just({"json": {}})
                    )
                    break
                where = where[key]
        text = json.dumps(document)
        for _ in range(draw(st.integers(0, 2))):
            start = draw(st.integers(0, len(text)))
            text = (
                text[:start] + draw(st.sampled_from(["", '"', "{", "}", "1e999", "NaN", "\\ud800", ","])) + text[start:]
            )
        return text.encode("utf-8", "surrogatepass")

    return st.one_of(make(), make(), make(), _bytes)


def _sample_drift() -> str:
    return drift_document(parse_plan(PLAN, "plan.json")).to_json()


REPORT = (FOLDER / "report.json").read_text(encoding="utf-8")
REPORT_WITH_VALUES = (FOLDER / "report_with_values.json").read_text(encoding="utf-8")
_spec = st.lists(
    st.sampled_from(
        ["503", "any", "any-read", "latency", "jitter", "crowd", "reset-after", "=", ",", "0.1", "-1", "nan"]
    )
    | st.text(max_size=5),
    max_size=20,
).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))
_parts = st.lists(
    st.sampled_from(["a", ".", "*", "**", "/", "[", "]", "!", "?", "\n", "-", "^", "\\", "b.yaml"]), max_size=40
)
_lines = st.lists(
    st.sampled_from(["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----", "\n"])
    | st.text(max_size=60),
    max_size=12,
)

TARGETS = (
    Target("yaml", _load, _yaml),
    Target("interpolation", _interpolate, _bytes),
    Target("address", _address, _bytes),
    Target("plan", _saved(parse_plan, _show_plan), _spoilt(PLAN)),
    Target("drift", _saved(parse_drift, _show_drift), _spoilt(_sample_drift())),
    Target("report", _saved(parse_report, _show_report), _spoilt(REPORT)),
    Target("report with values", _saved(parse_report, _show_report), _spoilt(REPORT_WITH_VALUES)),
    Target("faults", _faults, st.one_of(_spec, _bytes)),
    Target("glob", _glob, _parts.map(lambda parts: "".join(parts).encode())),
    Target("small", _small, st.one_of(_bytes, _lines.map(lambda lines: "\n".join(lines).encode("utf-8", "replace")))),
)
"""Everything that is fuzzed."""
