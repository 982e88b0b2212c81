"""Standard streams that are closed, full or gone: a run goes on to its end, and says what is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import Run as Cli

FULL = Path("/dev/full")
PLAN = "plan --emulator demo.db"


def in_a_shell(command: str) -> subprocess.CompletedProcess[str]:
    """A command line as a shell runs it, with its redirections."""
    program = f"'{sys.executable}' -m reconciler {command}"
    return subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    "closed",
    ["<&- >&- 2>&-", *(pytest.param(closed, marks=pytest.mark.slow) for closed in (">&-", "2>&-", "<&-"))],
)
def test_a_stream_that_is_closed_is_no_bug(cli: Cli, closed: str, files: Path) -> None:
    assert files.exists()
    ended = in_a_shell(f"{PLAN} {closed}")
    # A plan that cannot be shown is an error, which the exit code tells even if standard error is closed too.
    is_lost = ">&-" in closed.replace("2>&-", "")
    assert ended.returncode == (1 if is_lost else 0)
    assert ended.stderr == ("Error: cannot write to standard output: it is closed\n" if closed == ">&-" else "")
    assert ("unmanaged.\n" in ended.stdout) != is_lost
    # What it writes to is not what it opened afterwards.
    applied = in_a_shell(f"apply --emulator demo.db --yes {closed}")
    assert applied.returncode == (1 if ">&-" in closed.replace("2>&-", "") else 0)
    assert is_applied(cli)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    "command",
    [
        PLAN,
        "schema",
        *(
            pytest.param(f"{one} --emulator demo.db", marks=pytest.mark.slow)
            for one in ("plan --format json", "export")
        ),
    ],
)
@pytest.mark.usefixtures("account")
def test_output_that_cannot_be_written_is_an_error_and_no_bug(command: str, files: Path) -> None:
    assert files.exists()
    ended = in_a_shell(f"{command} >{FULL}")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Error: cannot write to standard output: No space left on device\n"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    "streams", [pytest.param(f">{FULL}", marks=pytest.mark.slow), f"2>{FULL}", f">{FULL} 2>{FULL}"]
)
def test_an_apply_goes_on_whose_words_cannot_be_written(cli: Cli, streams: str, files: Path) -> None:
    assert files.exists()
    ended = in_a_shell(f"apply --emulator demo.db --yes {streams}")
    assert ended.returncode == (0 if streams.startswith("2") else 1)
    assert "a bug" not in ended.stderr
    assert is_applied(cli)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_help_that_cannot_be_written_is_no_bug() -> None:
    ended = in_a_shell(f"--help >{FULL}")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: cannot continue: No space left on device\n")


# --- a plan that could not be shown -----------------------------------------------------------------------------------

NOWHERE = {"full": "No space left on device", "closed": "it is closed", "unread": "Broken pipe"}


NOT_SHOWN = "Error: the plan could not be shown, so nothing was sent: cannot write to standard output:"


def run_into(where: str, *arguments: str) -> tuple[int, str]:
    """Run a command whose standard output leads nowhere; gives the exit code and standard error, on one line."""
    command = [sys.executable, "-m", "reconciler", *arguments]
    if where == "closed":
        ended = subprocess.run(
            ["bash", "-c", 'exec "$@" >&-', "bash", *command],
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, " ".join(ended.stderr.split())
    if where == "full":
        if not FULL.exists():
            pytest.skip("this system has no device that is always full")
        output = os.open(FULL, os.O_WRONLY)
    else:
        reader, output = os.pipe()
        os.close(reader)
    try:
        ended = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    finally:
        os.close(output)
    return ended.returncode, " ".join(ended.stderr.split())


def is_applied(cli: Cli) -> bool:
    return cli("plan", "--emulator", "demo.db", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("where", "form"),
    [
        ("full", "text"),
        ("unread", "text"),
        pytest.param("closed", "text", marks=pytest.mark.slow),
        pytest.param("full", "json", marks=pytest.mark.slow),
        pytest.param("full", "github", marks=pytest.mark.slow),
        pytest.param("unread", "markdown", marks=pytest.mark.slow),
        pytest.param("closed", "html", marks=pytest.mark.slow),
        pytest.param("closed", "github", marks=pytest.mark.slow),
        pytest.param("unread", "github", marks=pytest.mark.slow),
    ],
)
@pytest.mark.usefixtures("files")
def test_a_plan_that_could_not_be_shown_is_not_applied(cli: Cli, where: str, form: str) -> None:
    cli("plan", "--emulator", "demo.db", "--out", "plan.json")
    code, err = run_into(where, "apply", "--emulator", "demo.db", "--plan", "plan.json", "--format", form)
    assert (code, err) == (
        1,
        f"{NOT_SHOWN} {NOWHERE[where]}. Redirect it to a writable file, or apply without approval (--yes)",
    )
    assert not is_applied(cli)


@pytest.mark.parametrize(
    ("where", "form"),
    [
        ("closed", "json"),
        ("unread", "github"),
        *(
            pytest.param(where, form, marks=pytest.mark.slow)
            for where in NOWHERE
            for form in ("text", "markdown", "json", "html", "github")
        ),
    ],
)
@pytest.mark.usefixtures("files")
def test_an_apply_that_was_not_to_ask_says_what_it_did_where_nobody_reads_it(cli: Cli, where: str, form: str) -> None:
    code, err = run_into(where, "apply", "--emulator", "demo.db", "--yes", "--format", form)
    assert code == 1
    assert err.endswith(
        f"Error: cannot write to standard output: {NOWHERE[where]}; the plan was applied nevertheless "
        "(2 created, 1 updated). Run `reconciler plan --emulator demo.db` to see what is left"
    )
    assert is_applied(cli)


@pytest.mark.parametrize(
    "form", ["json", *(pytest.param(form, marks=pytest.mark.slow) for form in ("markdown", "html"))]
)
@pytest.mark.usefixtures("files")
def test_a_document_that_has_no_reader_from_the_start_is_an_apply_that_does_nothing(cli: Cli, form: str) -> None:
    cli("plan", "--emulator", "demo.db", "--out", "plan.json")
    code, err = run_into("closed", "apply", "--emulator", "demo.db", "--plan", "plan.json", "--format", form)
    assert (code, "so nothing was sent" in err) == (1, True)
    assert not is_applied(cli)


@pytest.mark.usefixtures("files")
def test_a_reader_that_goes_away_is_no_error_of_commands_that_change_nothing() -> None:
    assert run_into("unread", "plan", "--emulator", "demo.db") == (0, "")


# --- what is written is UTF-8 -----------------------------------------------------------------------------------------

NAMES = "version: 1\nservices: {desk: {conversations: {日本語: {}}, users: {é: {}}}}\n"


@pytest.mark.parametrize(
    "encoding",
    [
        "ascii",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("cp1252", "latin-1", "utf-16", "utf-8:strict")),
    ],
)
def test_what_is_written_is_utf_8_whatever_the_locale(cli: Cli, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text(NAMES, encoding="utf-8")
    assert cli("apply", "names.yaml", "--emulator", "demo.db", "--yes").code == 0
    export = ("export", "--emulator", "demo.db", "--include", "users,conversations")
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    for command, expected in (
        (export, "日本語"),
        (("plan", "names.yaml", "--emulator", "new.db", "--format", "html"), "日本語"),
        (("plan", "names.yaml", "--emulator", "new.db", "--format", "markdown"), "日本語"),
        (("plan", "names.yaml", "--emulator", "new.db"), "é"),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "reconciler", *command],
            env=environment,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert (ended.returncode, b"\r" in ended.stdout) == (0, False)
        assert expected in ended.stdout.decode("utf-8")
        if command == export:
            (tmp_path / "exported.yaml").write_bytes(ended.stdout)
    assert cli("plan", "exported.yaml", "--emulator", "demo.db", "--detailed-exitcode").code == 0
