"""Saves each replace in the journal before its first request, and removes it after its last one.

Takes changes; returns saved replaces. A replace loses nothing if the run ends between its delete and its create,
because the journal holds the values that only the account had.
"""

from __future__ import annotations

import contextlib

from reconciler.change import Change, Step
from reconciler.config.model import Reference, Unknown
from reconciler.execution.references import References
from reconciler.execution.step_errors import StepFailed
from reconciler.journal import Journal, UnfinishedReplace
from reconciler.redaction import HIDDEN


class ReplaceJournal:
    """The replaces of one apply.

    Args:
        journal: keeps the saved replaces; None if there is no journal.
        references: provides SIDs.
        environment: the environment of the plan; empty for none.
    """

    def __init__(self, journal: Journal | None, references: References, environment: str) -> None:
        self._journal = journal
        self._environment = environment
        self._references = references

    async def begin(self, change: Change, step: Step) -> None:
        """Save a replace, if the step is its first one.

        Raises:
            StepFailed: the replace cannot be saved, so nothing may be sent.
        """
        if self._journal is None or change.action != "replace" or change.sid is None or step is not change.steps[0]:
            return
        saved = await self._saved(change, change.sid)
        try:
            self._journal.begin(saved)
        except OSError as error:
            raise StepFailed(
                f"not sent: the values that only the account has could not be saved ({error.strerror or error})"
            ) from None

    def finish(self, change: Change) -> None:
        """Remove a replace that is complete."""
        sid = change.completes or (change.sid if change.action == "replace" else None)
        if self._journal is None or not sid:
            return
        # If it cannot be removed, the next run finds that the replace is complete.
        with contextlib.suppress(OSError):
            self._journal.finish(sid)

    async def _saved(self, change: Change, sid: str) -> UnfinishedReplace:
        create = next(item for item in change.steps if item.op == "create")
        sensitive = {item.path for item in change.fields if item.sensitive}
        name = "" if change.former is None else change.former.name
        values = await self._references.resolve({path: create.values[path] for path in change.carried})
        return UnfinishedReplace(
            address=change.address,
            kind=change.kind,
            sid=sid,
            name=name,
            title="" if change.former_title == name else change.former_title or HIDDEN,
            parents=self._references.parents(change.parent),
            values=values,
            sensitive=frozenset(sensitive & values.keys()),
            former={
                item.path: item.before
                for item in change.fields
                if not (item.sensitive or item.before is None or isinstance(item.before, (Reference, Unknown)))
                if item.path not in values
            },
            environment=self._environment,
        )
