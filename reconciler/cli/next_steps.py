"""Builds the commands that messages suggest, with the path and the options of the command that ran.

Takes the inputs of a command; returns a command line that can be pasted.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.render.terminal import escape
from reconciler.workflow import Endpoint, Inputs

if TYPE_CHECKING:
    from reconciler.documents.plan import PlanFile
    from reconciler.documents.ways_out import Accepting


def command_line(
    verb: str,
    inputs: Inputs,
    endpoint: Endpoint,
    *,
    first: Sequence[str] = (),
    options: Sequence[str] = (),
    shown: str = "",
    scope: bool = True,
) -> str:
    """Return a command line with the path and the options that were given.

    Args:
        verb: The command.
        inputs: The configuration, and the options that narrow it.
        endpoint: The account.
        first: Words before the path.
        options: Further words of the command.
        shown: Text that is displayed anyway. The value of a variable is repeated only if this text contains it and the
            name of the variable does not suggest a secret.
        scope: Whether the command takes --env, --target, --exclude, --rotate, and --approve. A saved plan contains
            them.
    """
    return command_lines(verb, inputs, endpoint, first=first, shown=shown, scope=scope)(options)


def command_lines(
    verb: str,
    inputs: Inputs,
    endpoint: Endpoint,
    *,
    first: Sequence[str] = (),
    shown: str = "",
    scope: bool = True,
) -> Callable[[Sequence[str]], str]:
    """Return a function that writes the command with the words that it takes; see `command_line`."""
    from reconciler.redaction import may_be_secret  # noqa: PLC0415 - help and completion do without

    named = [
        *([("--env", inputs.environment)] if scope else []),
        *(("--target", address) for address in (inputs.targets if scope else ())),
        *(("--exclude", address) for address in (inputs.excludes if scope else ())),
        *(("--rotate", address) for address in (inputs.rotate if scope else ())),
        *(("--approve", approval) for approval in (inputs.approved if scope else ())),
        *([("--baseline", inputs.baseline)] if scope else []),
        *(
            ("--var", f"{name}={value if value in shown and not may_be_secret(name) else '…'}")
            for name, value in inputs.variables.items()
        ),
        *(("--overlay", overlay) for overlay in inputs.overlays),
        ("--emulator", endpoint.emulator),
        ("--api-url", endpoint.api_url),
        ("--profile", endpoint.profile),
    ]
    before = ["reconciler", verb, *first, *([inputs.path] if inputs.path != "." else [])]
    after = [word for name, value in named if value for word in (name, value)]
    after += ["--strict"] if inputs.strict else []
    if scope and verb in {"plan", "apply"}:
        after += ["--ours"] if inputs.ours else []
        after += ["--start-ledger"] if inputs.ledger.starts else []
    head, tail = _quoted(before), _quoted(after)
    return lambda words: " ".join(filter(None, (head, _quoted(words), tail)))


def with_ways_out(
    plan: PlanFile, inputs: Inputs, endpoint: Endpoint, accepting: Accepting, *, continues: bool, accepts: bool = True
) -> PlanFile:
    """Return a plan with the commands and the YAML that resolve its findings.

    Args:
        plan: The plan.
        inputs: The configuration, and the options that narrow it.
        endpoint: The account.
        accepting: Knows what `accept` takes.
        continues: Whether to name the command that makes the plan again and applies it.
        accepts: Whether to name the command that accepts the account's values.
    """
    from reconciler.documents.plan_steps import with_next_steps  # noqa: PLC0415 - help and completion do without
    from reconciler.documents.ways_out import OUTDATED, Commands  # noqa: PLC0415 - help and completion do without

    if any(warning.code in OUTDATED for warning in plan.warnings):
        return plan
    shown = plan.to_json() if inputs.variables else ""
    whole = replace(inputs, targets=(), excludes=(), approved=(), rotate=())
    accept, drift = (command_lines(verb, whole, endpoint, shown=shown) for verb in ("accept", "drift"))
    apply = command_lines("apply", inputs, endpoint, shown=shown)
    found = with_next_steps(plan, Commands(accept, apply, drift, accepting), accepts=accepts)
    return found if continues else replace(found, commands=None)


def _quoted(words: Sequence[str]) -> str:
    return " ".join(escape(shlex.quote(word)) for word in words)
