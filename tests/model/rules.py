"""Executable model of the ledger, three-way plans, removal, and undo.

The implementation is compared with this model, so the model imports nothing of the package. Accounts and configurations
are dictionaries, ledger entries are frozen records, and every function is pure: it returns the new account and ledger.
"Rules" (G, T, R, U and a number) are those of the specification of the ledger.

Corrections. Under the rules as written, a property fails or two rules contradict each other. Each correction is the
smallest that holds, and `test_corrections.py` has its counterexample as a literal test.

- C1 (T1.3): A missing resource that no completed entry declares is pending too, and so is an existing one with
  baseline `absent` if an attempted entry does not declare `absent`. Otherwise a create that was killed before it was
  sent is reported as drifted, because T1.4 makes it declared, and so is the killed undo of a delete.
- C2 (T7, preamble and row "declared, –, changed"): A removed *created* resource that differs from B is withheld
  whole, and an approval deletes it. Only adopted resources and singletons are compared by field. Otherwise its
  unchanged fields are emptied while the resource is withheld.
- C3 (T1.2, T6): A field without a return value ("stays as it is", R5) has B = `–` if an attempted entry does not
  declare it, and is forgotten when it is removed, whatever its live value. Otherwise an interrupted delete and create
  of the resource cause a conflict, and an approval of the removal would approve nothing.
- C4 (G7): Origin and adopted values are decided again for a missing resource whose removal was attempted, or that the
  baseline does not declare (an unsent undo of a delete). Otherwise a killed delete of an adopted resource, followed
  by a create, leaves a resource that the tool created and then forgets; and adopted values of the deleted resource
  hide that the new one has the initial value (a false conflict).
- C5 (T1.4, G7): A baseline that declares `absent` counts as no baseline. Otherwise a resource that a killed apply
  created, and that was then edited in the console, is deleted as if it were unchanged; and a resource from the
  console is taken for created.
- C6 (R5): An adopted reference whose target no longer exists has no return value. Otherwise every apply fails.
- C7 (U4): A live value that equals `before` needs no change, also if the step's outcome is known. Otherwise a second
  undo after a killed one reports a conflict with itself.
- C8 (U5, G9): If an address has no current record, the `started` entry of the undo keeps its previous record with
  "not declared" among `attempted`. Otherwise a killed undo of an approved delete turns the resource into an adopted
  one. The adopted values are those of both records, and the SID is cleared where the undo creates: "previous record
  whole" has the new SID.
- C9 (U5): A deleted resource that exists again, although no undo tried to create it, gets no record. Otherwise what
  someone else created counts as created by the tool, and the next apply deletes it.
- C10 (U5): An address of which a field cannot be set back keeps its record beside the previous one. Otherwise a revert
  of the configuration finds nothing to remove, and the field stays live for good.
- C11 (U3, U5): An undo of a delete whose resource exists keeps the SID in its record. Otherwise a resource that someone
  else made after the delete counts as created by the tool.

Not modeled: secrets (T3, T4), R3, R4, R6, R7, replace, the lock, the checks of G19 to G28, approvals by address
(there is one switch for all), undo of a report that is not the newest, and `prevent_destroy`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Literal


class Mark(Enum):
    """Values that are not values of a field."""

    UNDECLARED = "–"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    NO_RETURN = "stays as it is"


Value = str | None
FieldState = Value | Literal[Mark.UNDECLARED, Mark.UNKNOWN]
ReturnValue = Value | Literal[Mark.NO_RETURN]
Declaration = Mapping[str, Value] | Literal[Mark.ABSENT] | None
Config = Mapping[str, Mapping[str, Value] | Literal[Mark.ABSENT]]
Origin = Literal["created", "adopted"]
Fault = Literal["ok", "fail", "lost", "unsent", "kill before", "kill after"]

SINGLETON = "service"
ROLE = "roles.agent"
ADDRESSES = (ROLE, "addresses.a", "addresses.b", SINGLETON)
INITIAL: Mapping[str, Value] = {"url": None, "note": None, "method": "POST"}
SINGLETON_INITIAL: Mapping[str, Value] = {**INITIAL, "default_role": "builtin"}
NOT_CLEARABLE = frozenset({"method", "default_role"})
NOT_DECLARED = 0
"""In `attempted`: an undo back to an address without a record (U5)."""

_sids = itertools.count(1)


@dataclass(frozen=True)
class Resource:
    """A live resource."""

    sid: int
    fields: Mapping[str, Value]


Account = Mapping[str, Resource]


@dataclass(frozen=True)
class Record:
    """What an entry stores for an address (G5 to G7). `sid` stands for the keyed HMAC of the SID (G9)."""

    baseline: int | None
    attempted: tuple[int, ...]
    origin: Origin
    adopted: Mapping[str, Value] = field(default_factory=dict)
    sid: int | None = None


Records = Mapping[str, Record]


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger (G5, G8). The outcome of an apply replaces its `started` entry under the same number."""

    number: int
    operation: Literal["apply", "undo"]
    status: Literal["started", "applied", "incomplete"]
    config: Config
    records: Records


Ledger = tuple[Entry, ...]


@dataclass(frozen=True)
class Verdict:
    """A row of the tables T6 and T7: the class, and what `plan` and `drift` do."""

    kind: str
    plan: str
    drift: str


@dataclass(frozen=True)
class Change:
    """What a plan does with an address. `writes` are the fields that an update sends."""

    address: str
    action: Literal["none", "create", "update", "delete", "forget", "withheld"]
    classes: Mapping[str, str]
    record: Record
    writes: Mapping[str, Value] = field(default_factory=dict)
    refused: bool = False
    withheld: bool = False


@dataclass(frozen=True)
class StepReport:
    """`before` and `after` of a step (U1); None is a missing resource. `known` is false if the outcome is unknown."""

    address: str
    before: Mapping[str, Value] | None
    after: Mapping[str, Value] | None
    known: bool = True


@dataclass(frozen=True)
class Report:
    """The report of an apply, with the number of its entry."""

    entry: int
    steps: tuple[StepReport, ...]


@dataclass(frozen=True)
class Result:
    """The state after an apply or undo. `outcome` is `unchanged` if nothing was written at all."""

    account: Account
    ledger: Ledger
    outcome: Literal["applied", "incomplete", "refused", "killed"]
    report: Report | None = None


def new_account() -> dict[str, Resource]:
    """An account in which only the singleton exists."""
    return {SINGLETON: Resource(0, SINGLETON_INITIAL)}


def initial_values(address: str) -> Mapping[str, Value]:
    """The values of a new resource."""
    return SINGLETON_INITIAL if address == SINGLETON else INITIAL


def new_resource(address: str, values: Mapping[str, Value]) -> Resource:
    """A new resource with its own SID."""
    return Resource(next(_sids), {**initial_values(address), **values})


def head_records(ledger: Ledger) -> Records:
    """The records of the newest entry."""
    return ledger[-1].records if ledger else {}


# --- T6 and T7 -------------------------------------------------------------------------------------------------------

UP_TO_DATE = Verdict("up to date", "–", "–")
FORGOTTEN = Verdict("up to date", "forgotten", "–")


def classify_field(b: FieldState, d: FieldState, live: Value, returns: ReturnValue) -> Verdict:
    """Classify a field by T6. An empty live value is None."""
    if d is not Mark.UNDECLARED:
        if live == d:
            return UP_TO_DATE
        if b is Mark.UNDECLARED:
            return Verdict("pending (newly declared)", "change", "pending")
        if b is Mark.UNKNOWN:
            return Verdict("unknown", "change", "drift")
        if b == d:
            return Verdict("drifted", "change", "drift")
        if b == live:
            return Verdict("pending", "change", "pending")
        return Verdict("conflict", "refused", "drift")
    if b is Mark.UNDECLARED:
        return Verdict("not managed", "–", "section 3")
    if returns is Mark.NO_RETURN or live == returns:
        return FORGOTTEN
    if b == live:
        return Verdict("pending (removed)", "return", "pending")
    return Verdict("conflict (removed)", "withheld", "drift")


def classify_resource(
    b: Literal["–", "absent", "declared"],
    d: Literal["–", "absent", "declared"],
    live: Literal["missing", "as B", "changed"],
) -> Verdict:
    """Classify a resource by T7. The plan `fields` means that only the fields are compared."""
    exists = live != "missing"
    if d == "declared":
        if exists:
            return Verdict("fields", "fields", "fields")
        if b == "declared":
            return Verdict("drifted", "create", "drift")
        return Verdict("pending", "create", "pending")
    if d == "absent":
        if not exists:
            return UP_TO_DATE
        return Verdict("drifted", "delete", "drift") if b == "absent" else Verdict("pending", "delete", "pending")
    if not exists:
        return FORGOTTEN
    if b != "declared":
        return Verdict("unmanaged", "listed", "unmanaged")
    if live == "as B":
        return Verdict("pending (removed)", "R1, R2", "pending")
    return Verdict("conflict (removed)", "withheld", "drift")


# --- T1: the baseline of an address ----------------------------------------------------------------------------------


def _value(declaration: Declaration, name: str) -> Value | Literal[Mark.UNDECLARED]:
    if isinstance(declaration, Mapping) and name in declaration:
        return declaration[name]
    return Mark.UNDECLARED


@dataclass(frozen=True)
class Baseline:
    """The declarations of an address at its baseline and at its attempted entries, newest first."""

    completed: Declaration
    attempted: tuple[Declaration, ...]

    @property
    def declarations(self) -> tuple[Mapping[str, Value], ...]:
        """The declarations of fields among them; `absent` is not one (G7)."""
        return tuple(one for one in (*self.attempted, self.completed) if isinstance(one, Mapping))

    @property
    def managed(self) -> frozenset[str]:
        """The fields that any of them declares."""
        return frozenset(name for one in self.declarations for name in one)

    @property
    def removal_attempted(self) -> bool:
        """Whether an attempted entry may have removed the resource (T1.3)."""
        return any(not isinstance(one, Mapping) for one in self.attempted)

    def of(self, name: str, live: Value, returns: ReturnValue) -> FieldState:
        """Resolve B of a field by T1."""
        attempts = [_value(one, name) for one in self.attempted]
        for attempt in attempts:  # T1.1
            if attempt is not Mark.UNDECLARED and attempt == live:
                return attempt
        completed = _value(self.completed, name)
        if live == returns and Mark.UNDECLARED in (*attempts, completed):  # T1.2
            return Mark.UNDECLARED
        if returns is Mark.NO_RETURN and Mark.UNDECLARED in attempts:  # C3
            return Mark.UNDECLARED
        if not isinstance(self.completed, Mapping) and self.declarations:  # T1.4, C5
            return _value(self.declarations[0], name)
        return completed

    def kind(self, *, exists: bool) -> Literal["–", "absent", "declared"]:
        """B of the resource as a whole, as in T7."""
        if isinstance(self.completed, Mapping):
            return "–" if not exists and self.removal_attempted else "declared"  # T1.3
        if exists and self.declarations:  # T1.4; not for a missing resource: C1
            return "declared"
        explained = exists and any(one is not Mark.ABSENT for one in self.attempted)  # C1
        return "absent" if self.completed is Mark.ABSENT and not explained else "–"


def find_baseline(ledger: Ledger, record: Record | None, address: str) -> Baseline:
    """Look up the declarations that a record refers to."""

    def declared(number: int | None) -> Declaration:
        return ledger[number - 1].config.get(address) if number else None

    if record is None:
        return Baseline(None, ())
    return Baseline(declared(record.baseline), tuple(declared(number) for number in reversed(record.attempted)))


# --- Plan ------------------------------------------------------------------------------------------------------------


def return_value(record: Record | None, name: str, available: Callable[[Value], bool]) -> ReturnValue:
    """The value that a removed field returns to (R5)."""
    if record is not None and name in record.adopted:
        value = record.adopted[name]
        return value if name != "default_role" or available(value) else Mark.NO_RETURN  # C6
    return Mark.NO_RETURN if name in NOT_CLEARABLE else None


def _matches(base: Baseline, record: Record | None, live: Resource, available: Callable[[Value], bool]) -> bool:
    """Whether the live resource is as B in every field that B declares (R1)."""
    for name in base.managed:
        value = live.fields[name]
        b = base.of(name, value, return_value(record, name, available))
        if b is not Mark.UNDECLARED and b != value:
            return False
    return True


def decide_origin(
    base: Baseline,
    record: Record | None,
    live: Resource | None,
    desired: Declaration,
    available: Callable[[Value], bool],
) -> Record:
    """The record with its origin and adopted values as this plan decides them (G7, G9)."""
    names = frozenset(desired) if isinstance(desired, Mapping) else frozenset()
    if record is None or not base.declarations:
        old = record or Record(None, (), "created")
        record = replace(old, origin="adopted" if live else "created", adopted={}, sid=None)
        unrecorded = names
    elif live is None and (base.removal_attempted or not isinstance(base.completed, Mapping)):  # C4
        return replace(record, origin="created", adopted={}, sid=None)
    elif live is not None and record.sid not in (None, live.sid):  # G9
        record = replace(record, origin="adopted", adopted={}, sid=None)
        unrecorded = names | base.managed
    elif live is not None and not isinstance(base.completed, Mapping) and not _matches(base, record, live, available):
        record = replace(record, origin="adopted", sid=None)
        unrecorded = names | base.managed
    else:
        unrecorded = names - base.managed
    if live is None:
        return record
    return replace(record, adopted={**{name: live.fields[name] for name in unrecorded}, **record.adopted})


def plan(
    ledger: Ledger, account: Account, config: Config, *, targets: Iterable[str] | None = None, ours: bool = False
) -> tuple[Change, ...]:
    """Plan every address in scope.

    Args:
        ledger: The entries so far.
        account: The live resources.
        config: The desired configuration.
        targets: The addresses in scope; all if None.
        ours: Approve all conflicts: declared values win, and removed values are removed.

    Returns:
        The changes in the order in which they are applied: references last, then deletes.
    """
    records = head_records(ledger)
    scope = [one for one in ADDRESSES if (one in records or one in config) and (targets is None or one in targets)]

    def available(value: Value) -> bool:
        return value == "builtin" or value in account or isinstance(config.get(value or ""), Mapping)

    changes = [_plan_address(ledger, account, one, config.get(one), available, ours=ours) for one in scope]
    return tuple(sorted(changes, key=lambda change: change.action == "delete"))


def _plan_address(
    ledger: Ledger,
    account: Account,
    address: str,
    desired: Declaration,
    available: Callable[[Value], bool],
    *,
    ours: bool,
) -> Change:
    previous = head_records(ledger).get(address)
    base = find_baseline(ledger, previous, address)
    live = account.get(address)
    record = decide_origin(base, previous, live, desired, available)
    d: Literal["–", "absent", "declared"] = (
        "declared" if isinstance(desired, Mapping) else "absent" if desired is Mark.ABSENT else "–"
    )
    state: Literal["missing", "as B", "changed"] = "missing"
    if live is not None:
        state = "as B" if _matches(base, record, live, available) else "changed"
    verdict = classify_resource(base.kind(exists=live is not None), d, state)
    classes = {"": verdict.kind}
    if live is None or verdict.plan in ("delete", "listed"):
        if verdict.plan == "delete":
            return _delete(account, address, classes, record)
        if verdict.plan == "create":
            return Change(address, "create", classes, record)
        return Change(address, "none" if desired is not None else "forget", classes, record)
    if desired is None and record.origin == "created" and address != SINGLETON:
        if verdict.plan == "withheld" and not ours:  # C2
            return Change(address, "withheld", classes, record, withheld=True)
        return _delete(account, address, classes, record)
    return _compare_fields(base, record, live, address, desired, available=available, ours=ours)


def _delete(account: Account, address: str, classes: Mapping[str, str], record: Record) -> Change:
    """Delete a resource, unless it is the default role (the guards of R1)."""
    if account[SINGLETON].fields["default_role"] == address:
        return Change(address, "withheld", classes, record, withheld=True)
    return Change(address, "delete", classes, record)


def _compare_fields(
    base: Baseline,
    record: Record,
    live: Resource,
    address: str,
    desired: Declaration,
    *,
    available: Callable[[Value], bool],
    ours: bool,
) -> Change:
    classes, writes, refused, withheld = {}, dict[str, Value](), False, False
    for name, value in live.fields.items():
        returns = return_value(record, name, available)
        d = _value(desired, name)
        verdict = classify_field(base.of(name, value, returns), d, value, returns)
        classes[name] = verdict.kind
        refused |= verdict.plan == "refused" and not ours
        withheld |= verdict.plan == "withheld" and not ours
        if verdict.plan in ("change", "refused") and not isinstance(d, Mark):
            writes[name] = d
        elif (verdict.plan == "return" or (verdict.plan == "withheld" and ours)) and not isinstance(returns, Mark):
            writes[name] = returns
    if writes:
        return Change(address, "update", classes, record, writes, refused=refused, withheld=withheld)
    if withheld:
        return Change(address, "withheld", classes, record, withheld=True)
    return Change(address, "none" if desired is not None else "forget", classes, record)


# --- Apply -----------------------------------------------------------------------------------------------------------


class Killed(Exception):
    """The process ended in the middle of a run."""


Outcome = Literal["done", "not written", "unknown"]


def _send(account: dict[str, Resource], address: str, after: Mapping[str, Value] | None) -> bool:
    """Send a write: the whole resource, changed fields, or None for a delete. False if the API refuses it."""
    live = account.get(address)
    role = (after or {}).get("default_role", "builtin")
    if after is None:
        if account[SINGLETON].fields["default_role"] == address:
            return False
        account.pop(address, None)
    elif role != "builtin" and role not in account:
        return False
    elif live is None:
        account[address] = new_resource(address, after)
    else:
        account[address] = Resource(live.sid, {**live.fields, **after})
    return True


def _run_step(account: dict[str, Resource], address: str, after: Mapping[str, Value] | None, fault: Fault) -> Outcome:
    if fault == "kill before":
        raise Killed
    if fault == "unsent":
        return "unknown"
    written = fault != "fail" and _send(account, address, after)
    if fault == "kill after":
        raise Killed
    if not written:
        return "not written"
    return "unknown" if fault == "lost" else "done"


def _before_and_after(
    change: Change, live: Resource | None, declared: Declaration
) -> tuple[Mapping[str, Value] | None, Mapping[str, Value] | None]:
    """The values before and after a step (U1): the written fields of an update, else the whole resource."""
    before = None if live is None else dict(live.fields)
    if change.action == "update":
        return {name: (before or {})[name] for name in change.writes}, change.writes
    if change.action == "create" and isinstance(declared, Mapping):
        return before, {**initial_values(change.address), **declared}
    return before, None


def apply(
    ledger: Ledger,
    account: Account,
    config: Config,
    *,
    targets: Iterable[str] | None = None,
    ours: bool = False,
    faults: Sequence[Fault] = (),
) -> Result:
    """Apply a configuration (G8, G11, G12).

    Args:
        ledger: The entries so far.
        account: The live resources.
        config: The desired configuration.
        targets: The addresses in scope; all if None.
        ours: Approve all conflicts.
        faults: What happens at each step, in order; "ok" if it has fewer items. "lost" is written and "unsent" is not,
            and in both the outcome is unknown.

    Returns:
        The account and ledger afterwards, and the report.
    """
    scope = None if targets is None else frozenset(targets)
    changes = plan(ledger, account, config, targets=scope, ours=ours)
    if any(change.refused for change in changes):
        return Result(account, ledger, "refused")
    number = len(ledger) + 1
    steps = [change for change in changes if change.action in ("create", "update", "delete")]
    previous = head_records(ledger)
    started = dict(previous)
    for change in steps:
        sid = None if change.action == "create" else change.record.sid
        started[change.address] = replace(change.record, attempted=(*change.record.attempted, number), sid=sid)
    entry = Entry(number, "apply", "started", config, started)
    current = dict(account)
    outcomes: dict[str, Outcome] = {}
    reports: list[StepReport] = []
    for index, change in enumerate(steps):
        before, after = _before_and_after(change, current.get(change.address), config.get(change.address))
        try:
            outcome = _run_step(current, change.address, after, faults[index] if index < len(faults) else "ok")
        except Killed:
            reports.append(StepReport(change.address, before, after, known=False))
            return Result(current, (*ledger, entry), "killed", Report(number, tuple(reports)))
        outcomes[change.address] = outcome
        if outcome != "not written":
            reports.append(StepReport(change.address, before, after, known=outcome == "done"))
    records = dict(started)
    for change in changes:
        _record(
            records,
            previous,
            change,
            outcomes.get(change.address, "done"),
            config=config,
            account=current,
            number=number,
        )
    whole = scope is None and all(o == "done" for o in outcomes.values()) and not any(c.withheld for c in changes)
    status: Literal["applied", "incomplete"] = "applied" if whole else "incomplete"
    report = Report(number, tuple(reports))
    if not steps and not _moved(ledger, config, records):
        return Result(account, ledger, status, report)
    return Result(current, (*ledger, replace(entry, status=status, records=records)), status, report)


def _record(
    records: dict[str, Record],
    previous: Records,
    change: Change,
    outcome: Outcome,
    *,
    config: Config,
    account: Account,
    number: int,
) -> None:
    """Write the record of an address into the outcome (G6 to G9)."""
    address = change.address
    written = change.action in ("create", "update", "delete") and outcome != "not written"
    if outcome == "unknown" or (change.withheld and written):
        return  # as in the started entry
    if outcome == "not written" or change.withheld:
        records.pop(address, None)
        if address in previous:
            records[address] = previous[address]
        return
    declared = config.get(address)
    if declared is None:
        records.pop(address, None)
        return
    origin = change.record.origin
    live = account.get(address)
    names = declared if isinstance(declared, Mapping) else {}
    adopted = {name: value for name, value in change.record.adopted.items() if name in names}
    sid = live.sid if live is not None and origin == "created" else None
    records[address] = Record(number, (), origin, adopted, sid)


def _moved(ledger: Ledger, config: Config, records: Records) -> bool:
    """Whether an apply without changes has something to record (G12)."""
    previous = head_records(ledger)
    if not ledger or ledger[-1].config != config or previous.keys() != records.keys():
        return True
    return any(
        one.attempted or find_baseline(ledger, one, address).completed != config.get(address)
        for address, one in previous.items()
        if records[address] != one
    )


# --- Undo ------------------------------------------------------------------------------------------------------------


def _undo_step(step: StepReport, live: Resource | None) -> Literal["nothing", "write", "withheld"]:
    """What an undo does with a resource (U4)."""
    if live is None:
        state = None
    elif step.before is not None and step.after is not None:
        state = {name: live.fields[name] for name in step.after}
    else:
        state = dict(live.fields)
    if state == step.before:  # C7
        return "nothing"
    return "write" if state == step.after else "withheld"


def _undo_started(current: Record | None, previous: Record | None) -> Record | None:
    """The record of an address in the `started` entry of an undo (U5)."""
    if previous is None:
        return None if current is None else replace(current, attempted=(*current.attempted, NOT_DECLARED))
    if current is None:  # C8
        return replace(previous, attempted=(*previous.attempted, NOT_DECLARED))
    return replace(
        current,
        attempted=(*current.attempted, *previous.attempted, previous.baseline or NOT_DECLARED),
        adopted={**previous.adopted, **current.adopted},
    )


def _has_attempted(current: Record | None, previous: Record | None) -> bool:
    """Whether a record has the attempts of an undo back to a previous one already."""
    if current is None:
        return False
    last = (NOT_DECLARED,) if previous is None else (*previous.attempted, previous.baseline or NOT_DECLARED)
    return current.attempted[-len(last) :] == last


def _stuck(step: StepReport, live: Resource | None, stuck: Collection[str]) -> frozenset[str]:
    """The fields of an update that stay as it left them, because their former values cannot be set back (C10)."""
    if live is None or step.before is None or step.after is None or _undo_step(step, live) == "withheld":
        return frozenset()
    return frozenset(name for name in stuck if name in step.before and live.fields[name] != step.before[name])


def undo(
    ledger: Ledger,
    account: Account,
    report: Report,
    *,
    faults: Sequence[Fault] = (),
    stuck: Collection[str] = (),
) -> Result:
    """Undo the newest apply (U3 to U5).

    Args:
        ledger: The entries so far.
        account: The live resources.
        report: The report of the apply.
        faults: What happens at each step, as for `apply`.
        stuck: The fields whose former value an update cannot set back, such as a sensitive one.

    Returns:
        The account and ledger afterwards.
    """
    current, records = dict(account), dict(head_records(ledger))
    before = ledger[report.entry - 2].records if report.entry > 1 else {}
    decisions = {step.address: _undo_step(step, account.get(step.address)) for step in report.steps}
    kept = {step.address: _stuck(step, account.get(step.address), stuck) for step in report.steps}
    back: dict[str, Mapping[str, Value] | None] = {}
    for step in report.steps:
        address, live = step.address, account.get(step.address)
        back[address] = step.before
        if kept[address] and step.before is not None and live is not None:
            back[address] = {name: value for name, value in step.before.items() if name not in kept[address]}
            if all(live.fields[name] == value for name, value in (back[address] or {}).items()):
                decisions[address] = "nothing"
    started = dict(records)
    for step in report.steps:
        if decisions[step.address] == "write" or kept[step.address]:
            present, previous = records.get(step.address), before.get(step.address)
            if decisions[step.address] == "nothing" and _has_attempted(present, previous):
                continue  # the same undo again adds nothing
            record = _undo_started(present, previous)
            if record is not None:
                creates = step.before is not None and step.after is None
                started[step.address] = replace(record, sid=None) if creates else record
    entry = Entry(len(ledger) + 1, "undo", "started", ledger[-1].config if ledger else {}, started)
    whole, index = True, 0
    for step in reversed(report.steps):
        decision, outcome = decisions[step.address], "done"
        if decision == "write":
            fault = faults[index] if index < len(faults) else "ok"
            index += 1
            try:
                outcome = _run_step(current, step.address, back[step.address], fault)
            except Killed:
                return Result(current, (*ledger, entry), "killed")
        whole &= outcome == "done" and decision != "withheld" and not kept[step.address]
        is_both = outcome == "unknown" or (outcome == "done" and bool(kept[step.address]))
        if is_both and step.address in started:
            records[step.address] = started[step.address]
        elif decision == "nothing" and step.after is None and step.before is not None and step.address not in records:
            pass  # C9: someone else created it
        elif outcome == "done" and decision != "withheld":
            present, left = records.get(step.address), ledger[report.entry - 1].records.get(step.address)
            is_own = present is not None and present != left and present.sid is None
            is_found = decision == "nothing" and not is_own
            _take_back(records, step, before.get(step.address), current.get(step.address), is_found=is_found)
    status: Literal["applied", "incomplete"] = "applied" if whole else "incomplete"
    return Result(current, (*ledger, replace(entry, status=status, records=records)), status)


def _take_back(
    records: dict[str, Record], step: StepReport, previous: Record | None, live: Resource | None, *, is_found: bool
) -> None:
    """Give an address its previous record whole, or none (U5), with the SID of a resource that was created again.

    A deleted resource that is found without that (`is_found`) was never deleted, or someone else made another one: its
    SID shows that (C11).
    """
    present = records.pop(step.address, None)
    if previous is None:
        return
    if step.after is None and live is not None and previous.origin == "created":
        known = previous.sid
        if present is not None and (present.baseline, present.attempted) == (previous.baseline, previous.attempted):
            known = present.sid  # an earlier undo took it back
        if not is_found:
            previous = replace(previous, sid=live.sid)
        else:
            is_created = known is not None or previous.baseline is None
            previous = replace(previous, sid=known, origin="created" if is_created else "adopted")
    records[step.address] = previous
