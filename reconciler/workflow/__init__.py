"""The commands as functions: the one place where I/O (disk, network) meets the pure core.

Takes the user's request as `Inputs` and `Endpoint`; returns data: a `Config`, a `Planned`, an `Applied`. Prints nothing
and asks nothing (the caller passes `confirm`). Knows no exit codes except those of the errors it raises.

`inputs` holds the user's request, `loading` reads the configuration, `connecting` opens the API, `recording` finds
and writes what an apply leaves on the disk. `planning`, `applying`, `accepting`, `exporting`, `comparing`, and
`locating` each hold one verb; `adding` is the export into files that people wrote. `editing` checks the edits of
`accepting` and `adding`, `acceptance` describes them, and `replacing` writes them; `prospects` knows which would be
refused. `owners` finds the owners of files.
What only some verbs need is imported by their functions, so that `validate` starts without an HTTP library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.workflow.acceptance import Acceptance, acceptance_document
    from reconciler.workflow.accepting import Request, accept
    from reconciler.workflow.adding import Addition, add_missing
    from reconciler.workflow.applying import Applied, Confirm, Decision, Show, apply
    from reconciler.workflow.comparing import compare
    from reconciler.workflow.connecting import PLAN_KEY, SHORTEST_PLAN_KEY
    from reconciler.workflow.editing import write
    from reconciler.workflow.exporting import export, is_written_by_hand
    from reconciler.workflow.histories import history, history_entry, push_ledger, rename_ledger
    from reconciler.workflow.inputs import Endpoint, Inputs
    from reconciler.workflow.loading import validate, validate_all
    from reconciler.workflow.locating import sids
    from reconciler.workflow.planning import Planned, drift, plan, plan_undo
    from reconciler.workflow.undoing import UndoSource, read_source, read_source_of_plan

_HOMES = {
    "Acceptance": "acceptance",
    "Addition": "adding",
    "Applied": "applying",
    "Confirm": "applying",
    "Decision": "applying",
    "Endpoint": "inputs",
    "Inputs": "inputs",
    "PLAN_KEY": "connecting",
    "Planned": "planning",
    "Request": "accepting",
    "SHORTEST_PLAN_KEY": "connecting",
    "Show": "applying",
    "UndoSource": "undoing",
    "accept": "accepting",
    "acceptance_document": "acceptance",
    "add_missing": "adding",
    "apply": "applying",
    "compare": "comparing",
    "drift": "planning",
    "export": "exporting",
    "history": "histories",
    "history_entry": "histories",
    "is_written_by_hand": "exporting",
    "plan": "planning",
    "plan_undo": "planning",
    "push_ledger": "histories",
    "read_source": "undoing",
    "read_source_of_plan": "undoing",
    "rename_ledger": "histories",
    "sids": "locating",
    "validate": "loading",
    "validate_all": "loading",
    "write": "editing",
}
"""The module of each name. It is imported on first use, since each command needs few of them."""

__all__ = [
    "PLAN_KEY",
    "SHORTEST_PLAN_KEY",
    "Acceptance",
    "Addition",
    "Applied",
    "Confirm",
    "Decision",
    "Endpoint",
    "Inputs",
    "Planned",
    "Request",
    "Show",
    "UndoSource",
    "accept",
    "acceptance_document",
    "add_missing",
    "apply",
    "compare",
    "drift",
    "export",
    "history",
    "history_entry",
    "is_written_by_hand",
    "plan",
    "plan_undo",
    "push_ledger",
    "read_source",
    "read_source_of_plan",
    "rename_ledger",
    "sids",
    "validate",
    "validate_all",
    "write",
]


def __getattr__(name: str) -> object:
    """Import the module of a name on first use.

    Raises:
        AttributeError: There is no such name.
    """
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - `inputs` alone does without

    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found
