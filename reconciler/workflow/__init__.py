"""The commands as functions: the one place where I/O (disk, network) meets the pure core.

Takes the user's request as `Inputs` and `Endpoint`; returns data: a `Config`, a `Planned`, an `Applied`. Prints nothing
and asks nothing (the caller passes `confirm`). Knows no exit codes except those of the errors it raises.

`inputs` holds the user's request, `loading` reads the configuration, `connecting` opens the API, `recording` finds
and writes what an apply leaves on the disk. `planning`, `applying`, `accepting`, `exporting`, `comparing`, and
`locating` each hold one verb; `adding` is the export into files that people wrote. `editing` checks the edits of
`accepting` and `adding`, `acceptance` describes them, and `replacing` writes them. `owners` finds the owners of files.
What only some verbs need is imported by their functions, so that `validate` starts without an HTTP library.
"""

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
