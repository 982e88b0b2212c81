"""Every JSON that a command writes, on every exit, is what its published schema says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli.schema import NAMES
from reconciler.schema import SCHEMAS
from tests.cli.conftest import FILES
from tests.commands import Result

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")
JSON = ("--format", "json")


def test_what_can_be_printed_is_what_there_is() -> None:
    assert tuple(SCHEMAS) == NAMES


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        (["validate"], (0, "validation")),
        (["validate", "--strict"], (1, "error")),
        (["validate", "nothing.yaml"], (1, "error")),
        (["validate", "--what"], (1, "error")),
        (["validate", "\udcff"], (1, "error")),
        (["plan", *EMULATED], (0, "plan")),
        (["plan", *EMULATED, "--detailed-exitcode"], (2, "plan")),
        (["plan"], (1, "error")),
        (["plan", "--api-url", "http://127.0.0.1:9", "--timeout", "0.1"], (1, "error")),
        (["drift", *EMULATED], (2, "drift")),
        (["apply", *EMULATED], (1, "error")),
        (["apply", *EMULATED, "--yes"], (0, "report")),
        (["apply", *EMULATED, "--plan", "other.json"], (3, "error")),
        (["apply", "pruning.yaml", *EMULATED, "--yes"], (4, "error")),
        (["show", "other.json"], (0, "plan")),
        (["show", "."], (1, "error")),
        (["diff", "reconciler.yaml", "reconciler.yaml"], (0, "diff")),
        (["diff", "reconciler.yaml", "other.yaml", "--detailed-exitcode"], (2, "diff")),
    ],
    ids=lambda value: " ".join(value).encode("ascii", "replace").decode() if isinstance(value, list) else "",
)  # fmt: skip
@pytest.mark.usefixtures("account")
def test_each_exit(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], ends: tuple[int, str]
) -> None:
    code, kind = ends
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "emulator")
    Path("other.yaml").write_text(FILES.replace("sendMessage", "leaveConversation"))
    Path("pruning.yaml").write_text("version: 1\nprune: [services]\nservices: {}\n")
    if kind == "error":
        cli("plan", "other.yaml", *EMULATED, "--out", "other.json")
    if code == 4:
        cli("apply", *EMULATED, "--yes")
    if "show" in arguments:
        cli("plan", "other.yaml", *EMULATED, "--out", "other.json")
    if arguments == ["plan"]:
        monkeypatch.delenv("TWILIO_AUTH_TOKEN")
    files.write_text(FILES.replace("sendMessage", "sendMesage") if "validate" in arguments else FILES)
    result = cli(*arguments, *JSON)
    assert (result.code, result.json["format"]) == (code, f"reconciler.{kind}")
