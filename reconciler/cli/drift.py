"""``reconciler drift``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler import workflow
from reconciler.cli import candidates, console, showing
from reconciler.cli.exit_codes import DIFFERENCES, DONE, ERROR
from reconciler.cli.manual import Page
from reconciler.cli.metrics_file import MetricsFile
from reconciler.cli.next_steps import command_line, command_lines
from reconciler.cli.options import account_options, baseline_options, file_options, ledger_options, scope_options
from reconciler.cli.output import Output, output_in
from reconciler.cli.running import Run, display
from reconciler.errors import ConfigError, Interrupted, ReconcilerError, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.workflow import Endpoint, Inputs

if TYPE_CHECKING:
    from reconciler.documents.drift import DriftFile
    from reconciler.documents.ways_out import Accepting

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 30 * 86_400
_REPEATED = frozenset({"text", "markdown", "json", "chat"})
"""The formats of which several documents may follow one another."""

EPILOG = """\b
Examples:
  reconciler drift --env prod --format chat
  reconciler drift --fail-on differences,unmanaged --format markdown > issue.md
  reconciler drift --env prod --every 15m --metrics drift.prom"""

KINDS = ("differences", "unmanaged", "pending")


def _kinds(_context: click.Context, _parameter: click.Parameter, text: str) -> frozenset[str]:
    found = frozenset(part.strip() for part in text.split(","))
    if not found <= set(KINDS):
        from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong word

        meant = [word if word in KINDS else closest(word, KINDS) for word in text.split(",")]
        near = f". Did you mean {','.join(meant)}?" if all(meant) else ""
        raise click.BadParameter(f"use {', '.join(KINDS)}, or several of them, separated by commas{near}")
    return found


def _is_outdated(found: DriftFile) -> bool:
    """Whether the clone is to be updated first."""
    from reconciler.documents.ways_out import OUTDATED  # noqa: PLC0415 - see showing

    return any(warning.code in OUTDATED for warning in found.warnings)


def _with_next_steps(found: DriftFile, inputs: Inputs, endpoint: Endpoint, accepting: Accepting) -> DriftFile:
    from reconciler.documents.drift_steps import with_next_steps  # noqa: PLC0415 - see showing
    from reconciler.documents.ways_out import Commands  # noqa: PLC0415 - see showing

    if _is_outdated(found):
        return found
    shown = found.to_json()
    chosen = replace(inputs, targets=(), excludes=())
    accept, apply = (command_lines(verb, chosen, endpoint, shown=shown) for verb in ("accept", "apply"))
    drift = command_lines("drift", inputs, endpoint, shown=shown)
    return with_next_steps(found, Commands(accept, apply, drift, accepting))


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str) -> float:
    """Parse a duration such as 15m; 0 for none."""
    if not text:
        return 0
    found = re.fullmatch(r"([0-9]{1,7})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter("use a number with a unit, such as 30s, 15m, 2h, or 1d, up to 30d")
    return float(seconds)


@dataclass(frozen=True, slots=True)
class _Drift:
    """One run, or several with the same options."""

    inputs: Inputs
    endpoint: Endpoint
    output: Output
    fail_on: frozenset[str]
    metrics: str
    history: str
    remind: int

    async def read(self, run: Run) -> DriftFile:
        """Read the account, add the ways out of each finding, and record the result in the files of the options."""
        file = MetricsFile(self.metrics, self.inputs.environment) if self.metrics else None
        searches = "unmanaged" in self.fail_on
        try:
            detected = await workflow.drift(self.inputs, self.endpoint, run.display, searches_unmanaged=searches)
            found = _with_next_steps(detected.file, self.inputs, self.endpoint, detected.prospects)
            found = self._recorded(found)
        except ReconcilerError:
            if file is not None:
                file.write(None)
            raise
        if file is not None:
            file.write(found)
        return found

    def _recorded(self, found: DriftFile) -> DriftFile:
        if not self.history:
            return found
        from reconciler.workflow.drift_history import record_drift  # noqa: PLC0415 - help and completion do without

        return record_drift(self.history, found, remind_days=self.remind, channel=self.output.format_name)

    def show(self, found: DriftFile) -> None:
        """Show the result, and record that it was reported, unless it could not be written."""
        if self.output.format_name != "chat" or found.to_notify != 0:
            showing.show_drift(found, self.output)
        if self.output.as_text and found.differences and not _is_outdated(found):
            from reconciler.documents.drift_steps import approvals  # noqa: PLC0415 - help and completion do without

            words = approvals(found)
            again = command_line("apply", self.inputs, self.endpoint, options=words, shown=found.to_json())
            console.out(f"\nTo revert all of the drift, apply the configuration:\n  {again}\n")
        if self.history and not console.unwritten():
            from reconciler.workflow.drift_history import record_report  # noqa: PLC0415 - see above

            record_report(self.history, found, remind_days=self.remind, channel=self.output.format_name)

    def status(self, found: DriftFile) -> int:
        """Return the exit code of a run."""
        counts = {
            "differences": len(found.differences),
            "unmanaged": len(found.unmanaged) + len(found.undeclared_settings),
            "pending": len(found.pending),
        }
        if found.unreadable:
            return ERROR
        return DIFFERENCES if any(counts[kind] for kind in self.fail_on) else DONE

    def repeat(self, run: Run, every: float, health: str) -> int:
        """Run until a signal stops it. A result is shown only if it differs from the last one."""
        from reconciler.cli import failures  # noqa: PLC0415 - a single run does without
        from reconciler.cli.repeating import HealthFile, Repeater, Status  # noqa: PLC0415 - see above

        last: list[DriftFile] = []

        async def once() -> Status:
            try:
                found = await self.read(run)
                run.display.clear()
                if self._is_news(found, last):
                    self.show(found)
                else:
                    console.err("No change.\n")
            except (ReconcilerError, ExceptionGroup) as error:
                cause = failures.leaf(error)
                if not isinstance(cause, ReconcilerError) or isinstance(cause, Interrupted):
                    raise
                if isinstance(cause, UsageError | ConfigError) and not last:
                    raise  # no run would succeed
                console.err(failures.text_of(cause))
                return "failed"
            finally:
                run.display.clear()
            last[:] = [found]
            code = self.status(found)
            return "failed" if code == ERROR else "drift" if code == DIFFERENCES else "ok"

        run.repeats = True
        repeater = Repeater(every, HealthFile(health) if health else None)
        run.execute(lambda: repeater.repeat(once, run.stop))
        return DONE

    def _is_news(self, found: DriftFile, last: Sequence[DriftFile]) -> bool:
        if self.output.format_name == "chat" and found.to_notify is not None:
            return found.to_notify > 0
        return [_comparable(found)] != [_comparable(one) for one in last]


def _comparable(found: DriftFile) -> DriftFile:
    """Return a result without the parts that differ between equal ones."""
    from reconciler.documents.sightings import with_sightings  # noqa: PLC0415 - see above

    return replace(with_sightings(found, (), to_notify=0), created_at="", requests=0)


@click.command(cls=Page, epilog=EPILOG)
@file_options
@scope_options()
@baseline_options(ours=False)
@ledger_options(writes=False)
@account_options
@click.option(
    "--fail-on",
    metavar="WHAT",
    default="differences",
    show_default=True,
    callback=_kinds,
    help="Findings that exit with status 2, separated by commas: differences, unmanaged (which are then searched for "
    "everywhere), or pending (changes that were merged but not applied; needs a baseline).",
)
@click.option(
    "--metrics",
    metavar="FILE",
    default="",
    type=click.Path(dir_okay=False),
    shell_complete=candidates.files,
    help="Write metrics for Prometheus to this file.",
)
@click.option(
    "--history",
    metavar="FILE",
    default="",
    type=click.Path(dir_okay=False),
    shell_complete=candidates.files,
    help="Record in this SQLite file (or in JSON, if its name ends in .json) when each finding was first seen, last "
    "seen, and gone. `reconciler drift log` lists them. With --format chat, the message is empty unless one is new.",
)
@click.option(
    "--remind",
    metavar="DAYS",
    type=click.IntRange(1, 3650),
    help="With --history: treat a finding that remains as new again after this many days.",
)
@click.option(
    "--every",
    metavar="TIME",
    default="",
    callback=_seconds,
    help="Repeat until SIGTERM, with this time between starts: 30s, 15m, 2h. Shows results that differ from the last.",
)
@click.option(
    "--health",
    metavar="FILE",
    default="",
    type=click.Path(dir_okay=False),
    shell_complete=candidates.files,
    help="With --every: write the state of the last run to this file, as JSON.",
)
@output_in(*showing.DRIFT)
def drift(
    inputs: Inputs,
    endpoint: Endpoint,
    output: Output,
    *,
    fail_on: frozenset[str],
    metrics: str,
    history: str,
    remind: int | None,
    every: float,
    health: str,
) -> int:
    """Detect drift between the account and the configuration (read-only).

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. Shows the live and the
    configured value of each field that differs, and lists missing and unmanaged resources. Also lists undeclared
    settings: live values in the configuration, notifications, and webhooks of the account and of declared services.
    Each finding shows how to accept, revert, and ignore it, and its owners, if the repository has a CODEOWNERS file.
    Exits with status 2 if there is drift.
    """
    if remind is not None and not history:
        raise UsageError("--remind needs --history")
    if health and not every:
        raise UsageError("--health needs --every")
    if every and output.format_name not in _REPEATED:
        raise UsageError(f"--every cannot write {output.format_name}. Use text, markdown, json, or chat")
    chosen = _Drift(inputs, endpoint, output, fail_on, metrics, history, remind or 0)
    run = Run(display(lines_on_stdout=False, may_colour=output.may_colour))
    if every:
        return chosen.repeat(run, every, health)
    found = run.execute(lambda: chosen.read(run))
    chosen.show(found)
    return chosen.status(found)
