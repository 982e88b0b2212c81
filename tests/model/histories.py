"""Random configurations and histories for the properties of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.model import rules
from tests.model.rules import Account, Config, Fault, Ledger, Mark, Report, Resource, Result, Value

VALUES: tuple[Value, ...] = ("x", "y", None)
METHODS: tuple[Value, ...] = ("POST", "GET")
FAULTS: tuple[Fault, ...] = ("ok", "ok", "fail", "lost", "unsent", "kill before", "kill after")


def fields(*, roles: tuple[Value, ...] = ()) -> st.SearchStrategy[dict[str, Value]]:
    """Some fields of a resource; with `roles`, of the singleton."""
    optional: dict[str, st.SearchStrategy[Value]] = {
        "url": st.sampled_from(VALUES),
        "note": st.sampled_from(VALUES),
        "method": st.sampled_from(METHODS),
    }
    if roles:
        optional["default_role"] = st.sampled_from(roles)
    return st.fixed_dictionaries({}, optional=optional)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """A valid configuration: it refers only to a role that it declares."""
    config: dict[str, Mapping[str, Value] | Mark] = {}
    for address in rules.ADDRESSES:
        if address == rules.SINGLETON:
            roles: tuple[Value, ...] = (
                ("builtin", rules.ROLE) if isinstance(config.get(rules.ROLE), Mapping) else ("builtin",)
            )
            shape = draw(st.sampled_from(("–", "declared", "declared")))
        else:
            roles = ()
            shape = draw(st.sampled_from(("–", "declared", "declared", "declared", "absent")))
        if shape == "declared":
            config[address] = draw(fields(roles=roles))
        elif shape == "absent":
            config[address] = Mark.ABSENT
    return config  # type: ignore[return-value]  # the only mark in it is ABSENT


def faults() -> st.SearchStrategy[list[Fault]]:
    """What happens at the first steps."""
    return st.lists(st.sampled_from(FAULTS), max_size=4)


def targets() -> st.SearchStrategy[frozenset[str] | None]:
    """All addresses, or some."""
    return st.one_of(st.none(), st.frozensets(st.sampled_from(rules.ADDRESSES), min_size=1, max_size=3))


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """An account with some resources from the console."""
    account = rules.new_account()
    account[rules.SINGLETON] = Resource(0, {**rules.SINGLETON_INITIAL, **draw(fields())})
    for address in rules.ADDRESSES:
        if address != rules.SINGLETON and draw(st.sampled_from((False, False, True))):
            account[address] = rules.new_resource(address, draw(fields()))
    return account


@dataclass
class History:
    """A running history: the account, the ledger, and what is known about each resource.

    Attributes:
        console: The SIDs of resources from the console, and of those that an undo created again for them.
        touched: The addresses with a console edit.
        refused: Whether an apply was refused.
        kinds: The classes of all plans so far.
    """

    account: Account
    ledger: Ledger = ()
    report: Report | None = None
    console: set[int] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    last: dict[str, int] = field(default_factory=dict)
    refused: bool = False
    kinds: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.console |= {one.sid for one in self.account.values()}
        self._remember()

    def _remember(self) -> None:
        self.last.update({address: one.sid for address, one in self.account.items()})

    def _move(self, result: Result) -> None:
        self.account, self.ledger = result.account, result.ledger

    def apply(
        self,
        config: Config,
        *,
        scope: frozenset[str] | None = None,
        ours: bool = False,
        failures: list[Fault] | None = None,
    ) -> Result:
        """Apply a configuration."""
        changes = rules.plan(self.ledger, self.account, config, targets=scope)
        self.kinds |= {kind for change in changes for kind in change.classes.values()}
        result = rules.apply(self.ledger, self.account, config, targets=scope, ours=ours, faults=failures or ())
        self.refused |= result.outcome == "refused"
        self._move(result)
        self.report = result.report if result.report and result.report.steps else None
        self._remember()
        return result

    def undo(self, failures: list[Fault] | None = None) -> None:
        """Undo the newest apply, if it changed anything."""
        if self.report is None:
            return
        before = {address: one.sid for address, one in self.account.items()}
        self._move(rules.undo(self.ledger, self.account, self.report, faults=failures or ()))
        for address, one in self.account.items():
            if before.get(address) != one.sid and self.last.get(address) in self.console:
                self.console.add(one.sid)
        self._remember()

    def edit(self, address: str, values: Mapping[str, Value], action: str) -> None:
        """Edit the account in the console: set fields (and create the resource), delete it, or replace it."""
        account, live = dict(self.account), self.account.get(address)
        is_default = account[rules.SINGLETON].fields["default_role"] == address
        self.touched.add(address)
        if action == "set" and live is not None:
            account[address] = Resource(live.sid, {**live.fields, **values})
        elif address != rules.SINGLETON and not is_default:
            account.pop(address, None)
            if action != "delete":
                account[address] = rules.new_resource(address, values)
                self.console.add(account[address].sid)
        self.account = account
        self._remember()

    def forgotten(self) -> list[str]:
        """The addresses of live resources that an apply created and the ledger does not know, without console edits."""
        records = rules.head_records(self.ledger)
        return [
            address
            for address, one in self.account.items()
            if one.sid not in self.console and address not in records and address not in self.touched
        ]


def step(data: st.DataObject, history: History, pool: list[Config], *, console: bool) -> None:
    """Take one random step: an apply, an undo, or an edit in the console."""
    kind = data.draw(st.sampled_from(("apply", "apply", "undo", "console") if console else ("apply", "apply", "undo")))
    if kind == "apply":
        ours = console and data.draw(st.booleans())
        config = data.draw(st.sampled_from(pool))
        history.apply(config, scope=data.draw(targets()), ours=ours, failures=data.draw(faults()))
    elif kind == "undo":
        history.undo(data.draw(faults()))
    else:
        address = data.draw(st.sampled_from(rules.ADDRESSES))
        history.edit(address, data.draw(fields()), data.draw(st.sampled_from(("set", "set", "delete", "replace"))))


def wander(data: st.DataObject, history: History, pool: list[Config], *, console: bool, most: int = 6) -> None:
    """Take some random steps."""
    for _ in range(data.draw(st.integers(0, most))):
        step(data, history, pool, console=console)
        assert history.forgotten() == []


def values(account: Account) -> dict[str, dict[str, Value]]:
    """The account without SIDs."""
    return {address: dict(one.fields) for address, one in account.items()}
