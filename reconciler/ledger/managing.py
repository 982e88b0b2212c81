"""Commands on a ledger itself: list its entries, push it again, and rename it with its environment.

Takes a `LedgerRef`; returns entries, or what was done. Needs no account.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler import __version__
from reconciler.config.model import LedgerSetting
from reconciler.documents.ledger import EntryStatus, LedgerEntry, LedgerKey
from reconciler.errors import LedgerError
from reconciler.lazy_dataclass import dataclass
from reconciler.ledger import lock
from reconciler.ledger.entries import LedgerRef, Stored, subject_of
from reconciler.ledger.ref_names import environment_of, ref_of
from reconciler.ledger.remote_ref import fetch_command, find_tips
from reconciler.ledger.repository import Repository
from reconciler.ledger.run_identity import actor_of, as_text, describe_run, utc_now


@dataclass(frozen=True, slots=True)
class Place:
    """Where a configuration has its ledgers.

    Attributes:
        repository: Its repository.
        setting: The prefix of their refs, and the remote.
    """

    repository: Repository
    setting: LedgerSetting

    def ref(self, environment: str, key: LedgerKey | None = None) -> LedgerRef:
        """Return the ref of an environment."""
        return LedgerRef(
            self.repository,
            ref_of(self.setting.prefix, environment),
            label=environment or "this configuration",
            key=key,
            remote=self.setting.remote,
        )

    def history(self, environment: str) -> tuple[str, tuple[Stored, ...]]:
        """Return the ref of an environment, and its entries, newest first.

        Raises:
            LedgerError: This clone has none.
        """
        ref = self.ref(environment)
        return ref.name, tuple(ref.entries(self._tip(ref)))

    def entry(self, environment: str, number: int) -> Stored:
        """Return one entry.

        Raises:
            LedgerError: This clone does not have it.
        """
        ref = self.ref(environment)
        tip = self._tip(ref)
        found = ref.find(tip, {number})
        if number not in found:
            newest = ref.read(tip).entry.number
            raise LedgerError(f"the ledger of {ref.label} has no entry {number}; it has 1 to {newest}")
        return found[number]

    def newest(self, environment: str) -> LedgerEntry:
        """Return the newest entry.

        Raises:
            LedgerError: This clone has none.
        """
        ref = self.ref(environment)
        return ref.read(self._tip(ref)).entry

    def push(self, environment: str) -> Stored | None:
        """Push the newest entry, which the remote lacks; return it, or None if the remote has it.

        Raises:
            LedgerError: The remote has another entry after the one that both have, or cannot be reached.
        """
        ref, remote = self.ref(environment), self.setting.remote
        if not remote:
            raise LedgerError(
                f"the ledger has no remote. Add one: ledger: {{git: {self.setting.prefix}, remote: origin}}"
            )
        self._tip(ref)
        tips = find_tips(ref, remote, prefix=self.setting.prefix, run=None, now=utc_now())
        if tips.lacks_newer or tips.newest != tips.local:
            raise LedgerError(
                f"{remote} has a newer entry of the ledger of {ref.label}, so the one in this clone cannot be pushed "
                "any more: what that apply did counts as incomplete. Fetch the newer one:\n"
                f"{fetch_command(remote, self.setting.prefix)}"
            )
        if tips.remote == tips.local:
            return None
        told = self.repository.push(remote, (ref.name, tips.local, tips.remote))
        if told:
            raise LedgerError(told if told != "moved" else f"{remote} moved at the same moment. Run the command again")
        return ref.read(tips.local)

    def rename(self, old: str, new: str, key: LedgerKey, environment: dict[str, str]) -> Stored:
        """Move a ledger to the ref of another environment; return its new entry.

        Args:
            old: The former name of the environment; empty for none.
            new: Its name.
            key: Signs the new entry.
            environment: Environment variables, which name the actor.

        Raises:
            LedgerError: There is no ledger of the old name, or one of the new name, or an apply is in progress.
        """
        source, target, remote = self.ref(old, key), self.ref(new, key), self.setting.remote
        run, now = describe_run(environment), utc_now()
        theirs = "" if not remote else self.repository.remote_refs(remote, target.name).get(target.name, "")
        if theirs or target.tip():
            raise LedgerError(f"{target.label} has a ledger already: {target.name}")
        self._tip(source)
        tips = find_tips(source, remote, prefix=self.setting.prefix, run=run, now=now)
        head = source.read(tips.newest)
        if lock.is_held(head.entry, run, now):
            raise lock.held(head.entry, source.label, now)
        status: EntryStatus = "applied" if head.entry.status == "applied" else "incomplete"
        moment = as_text(now)
        entry = key.sign(
            replace(
                head.entry,
                number=head.entry.number + 1,
                operation="rename",
                status=status,
                begins=False,
                environment=new,
                source=replace(head.entry.source, tool_version=__version__),
                actor=actor_of(environment, self.repository.user_name),
                run=run,
                started_at=moment,
                ended_at=moment,
                deadline=moment,
                previous=head.commit,
                summary=type(head.entry.summary)(),
            )
        )
        parents = (head.commit, entry.source.commit)
        commit = self.repository.write_entry(entry.to_json(), parents, subject_of(entry), entry.actor, moment)
        if remote:
            moves = [(target.name, commit, "")] + ([(source.name, "", tips.remote)] if tips.remote else [])
            told = self.repository.push(remote, *moves)
            if told:
                raise LedgerError(
                    f"{remote} moved at the same moment. Run the command again" if told == "moved" else told
                )
        if not self.repository.rename_ref(source.name, target.name, new=commit, old=tips.local):
            raise LedgerError(
                f"{source.name} moved at the same moment, or {target.name} cannot be created. Fetch the ledger, and "
                f"run the command again:\n{fetch_command(remote or 'origin', self.setting.prefix)}"
            )
        return Stored(commit, entry)

    def _tip(self, ref: LedgerRef) -> str:
        tip = ref.tip()
        if tip:
            return tip
        prefix, remote = self.setting.prefix, self.setting.remote
        others = [environment_of(prefix, name) for name in self.repository.refs(f"{prefix}/")]
        text = f"this clone has no ledger of {ref.label}"
        if others:
            text += (
                f"; it has one of {', '.join(name or 'the configuration without an environment' for name in others)}"
            )
        raise LedgerError(f"{text}. If the remote has it, fetch it:\n{fetch_command(remote or 'origin', prefix)}")
