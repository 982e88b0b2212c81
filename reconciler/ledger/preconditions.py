"""The conditions for the use of a ledger: each check raises the error with its fix.

Takes the repository, the newest entry, and the configuration. Changes nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from reconciler.config.model import Config
from reconciler.documents.ledger import LedgerEntry, parse_entry
from reconciler.errors import GuardRefusal, LedgerError, Problem, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.ledger.entries import LedgerRef
from reconciler.ledger.ref_names import environment_of
from reconciler.ledger.remote_ref import Tips, fetch_command
from reconciler.ledger.repository import ENTRY, Repository
from reconciler.sources.recording import RecordingSources

_MOST_FILES = 10
_MOST_REFS = 1000


@dataclass(frozen=True, slots=True)
class LedgerScope:
    """The scope of a ledger.

    Attributes:
        account_sid: The account.
        host: The host, a Twilio region, or an emulator's database.
        environment: The environment; empty without one.
    """

    account_sid: str
    host: str
    environment: str

    @property
    def label(self) -> str:
        """The name of the ledger in messages."""
        return self.environment or "this configuration"


def no_ledger(ref: LedgerRef, scope: LedgerScope, *, prefix: str, remote: str) -> LedgerError:
    """Return the error for a ledger that exists nowhere (G21)."""
    own = ref.repository.refs(f"{prefix}/")
    other = next(
        (
            environment_of(prefix, name)
            for name, entry in heads(ref.repository, own)
            if name != ref.name
            and entry is not None
            and (entry.account_sid, entry.host) == (scope.account_sid, scope.host)
        ),
        None,
    )
    text = f"{scope.label} has no ledger yet"
    start = "add --start-ledger to `reconciler plan` and `reconciler apply`"
    if remote or not ref.repository.has_remotes():
        text += f". To start one, {start}"
    else:
        fetch = fetch_command("origin", prefix)
        text += f". If another clone has it, fetch it:\n{fetch}\nOtherwise, to start one, {start}"
    if other is not None:
        text += (
            f". The ledger of {other or 'the configuration without an environment'} has this account; if the "
            f"environment was renamed:\n  {rename_command(other, scope.environment)}"
        )
    return LedgerError(text)


def rename_command(old: str, new: str) -> str:
    """Return the command that renames a ledger."""
    return shlex.join(["reconciler", "ledger", "rename", old or "default", new or "default"])


def heads(repository: Repository, refs: Mapping[str, str]) -> Iterable[tuple[str, LedgerEntry | None]]:
    """Yield the newest entry of each ref that has one; their signatures are not checked.

    None stands for an entry that cannot be read: a newer release wrote it, or it is damaged.
    """
    for name, oid in list(refs.items())[:_MOST_REFS]:
        data = repository.file(oid, ENTRY)
        if data is not None:
            try:
                yield name, parse_entry(data)
            except LedgerError:
                yield name, None


def other_refs(ref: LedgerRef) -> dict[str, str]:
    """Return every ref of the repository that may be another ledger's, with its object."""
    known = ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/notes/", "refs/pull/", "refs/merge-requests/")
    found = ref.repository.refs("refs/")
    return {name: oid for name, oid in found.items() if name != ref.name and not name.startswith(known)}


def check_scope(entry: LedgerEntry, scope: LedgerScope, ref: str) -> None:
    """Check that an entry is of this account, host, and environment (G22).

    Raises:
        LedgerError: It is not.
    """
    pairs = (
        ("account", entry.account_sid, scope.account_sid),
        ("host", entry.host, scope.host),
        ("environment", entry.environment or "(none)", scope.environment or "(none)"),
    )
    for what, theirs, ours in pairs:
        if theirs != ours:
            raise LedgerError(
                f"entry {entry.number} of {ref} is of {what} {theirs}, not {ours}. To continue the ref with this "
                f"{what} and without the resources that it remembers, use --start-ledger"
            )


def check_root(entry: LedgerEntry, repository: Repository, source: str, ref: str) -> None:
    """Check that an entry is of this configuration (G24).

    Raises:
        LedgerError: It applied another root file, which still exists.
    """
    old = entry.source.root
    if old != repository.root and source and repository.file(source, old) is not None:
        raise LedgerError(
            f"{ref} is the ledger of another configuration: entry {entry.number} applied {old}, which still exists "
            f"beside {repository.root}. Give each its own prefix: ledger: {{git: refs/reconciler/NAME}}"
        )


def check_committed(repository: Repository, source: str, files: RecordingSources, config: Config) -> None:
    """Check that the source commit contains the configuration as it was read (G26).

    Raises:
        LedgerError: A file is uncommitted, untracked, or ignored.
    """
    if not source:
        raise LedgerError(
            "the ledger records the commit that is applied, and this repository has no commits. Commit the "
            "configuration, or use --no-record"
        )
    may_be_ignored = {key.removeprefix("file:") for key in config.external if key.startswith("file:")}
    try:
        different = sorted(set(files.differences(repository.files_at(source, repository.root))))
    except UsageError:
        raise LedgerError(
            "this clone lacks objects of the commit to be applied: it is partial. Fetch them:\n"
            f"  {repository.complete_with('')}"
        ) from None
    ignored = {path for path in different if repository.is_ignored(path)}
    wrong = [
        f"{path} ({'ignored by git' if path in ignored else 'not committed'})"
        for path in different
        if path not in ignored & may_be_ignored
    ]
    if wrong:
        rest = f" and {len(wrong) - _MOST_FILES:,} more" if len(wrong) > _MOST_FILES else ""
        raise LedgerError(
            f"the ledger records the commit that is applied, and commit {source[:12]} does not contain what would be "
            f"applied: {', '.join(wrong[:_MOST_FILES])}{rest}. Commit these files, or use --no-record"
        )


def check_pushed(repository: Repository, source: str, tips: Tips, remote: str) -> None:
    """Check that a branch or tag of the remote contains the source commit (G27).

    Raises:
        LedgerError: None does.
    """
    if source in tips.published.values():
        return
    tracked = repository.refs(f"refs/remotes/{remote}/")
    for oid in {*tips.published.values(), *tracked.values()}:
        if repository.is_ancestor(source, oid):
            return
    branch = repository.output("symbolic-ref", "--quiet", "--short", "HEAD") or "HEAD:BRANCH"
    raise LedgerError(
        f"commit {source[:12]} is on no branch or tag of {remote}, so others could not see what was applied. Push it "
        f"first:\n  {shlex.join(['git', 'push', remote, branch])}\nIf it is there already, fetch it: git fetch "
        f"{shlex.quote(remote)}"
    )


def check_not_older(
    entry: LedgerEntry, repository: Repository, source: str, config: Config, *, allows_rollback: bool
) -> tuple[Problem, ...]:
    """Check that the source commit is not older than the newest entry's (G28).

    Returns:
        A warning, if that is not known.

    Raises:
        GuardRefusal: It is older, and the configuration differs.
    """
    newest = entry.source.commit
    if allows_rollback or not _may_be_older(entry, source, config):
        return ()
    if repository.is_ancestor(source, newest):
        fix = "Update this clone first: `git pull`. To roll back, use --rollback"
        raise GuardRefusal([f"{_older(entry, source)}. {fix}"])
    if repository.is_shallow:
        return (
            Problem(
                "unknown-order",
                f"cannot determine whether commit {source[:12]} is older than {newest[:12]}, which entry "
                f"{entry.number} applied: "
                "this clone is shallow",
                None,
                f"fetch its history: {repository.complete_with('')}",
                "warning",
            ),
        )
    return ()


def warn_if_older(entry: LedgerEntry, repository: Repository, source: str, config: Config) -> tuple[Problem, ...]:
    """Warn that the source commit is older than the newest entry's, so an apply would be refused."""
    if not _may_be_older(entry, source, config) or not repository.is_ancestor(source, entry.source.commit):
        return ()
    hint = "update this clone first: git pull"
    return (Problem("older-commit", f"{_older(entry, source)}, so it is refused", None, hint, "warning"),)


def _may_be_older(entry: LedgerEntry, source: str, config: Config) -> bool:
    return bool(source) and source != entry.source.commit and entry.source.config_digest != config.digest


def _older(entry: LedgerEntry, source: str) -> str:
    return (
        f"commit {source[:12]} is older than {entry.source.commit[:12]}, which entry {entry.number} applied on "
        f"{entry.started_at[:10]}, and its configuration differs: an apply would roll back what was merged in between"
    )


def counted_as_created(ref: str, number: int) -> Problem:
    """Return the notice of the existing resources that count as created, because the ledger begins (G4).

    Args:
        ref: The ref of the ledger.
        number: The number of declared resources that exist already and can be deleted.
    """
    count = "1 existing resource counts" if number == 1 else f"{number:,} existing resources count"
    return Problem(
        "ledger-started",
        f"the ledger {ref} begins, and {count} as created by reconciler: an apply deletes what you remove from the "
        "configuration, and clears removed settings",
        None,
        "to stop managing one without deleting it: removed: [{address: ADDRESS, action: forget}]",
        "notice",
    )


def not_used(entry: LedgerEntry, scope: LedgerScope) -> Problem:
    """Return the warning for a ledger that a trial with an emulated account does not use (G3)."""
    return Problem(
        "ledger-not-used",
        f"the ledger of {scope.label} is of host {entry.host}, not of this emulated account, so it is not used: the "
        "plan does not show who changed what, and an apply is not recorded",
        None,
        "",
        "notice",
    )
