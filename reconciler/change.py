"""The vocabulary of a plan: field changes, steps, changes. Frozen data without behavior.

Contents here are the real ones, secrets included, because an apply has to send them: nothing here may be printed
unchanged. `reconciler.documents` and `reconciler.render.view` are the two ways out, and both redact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from reconciler.address import Address
from reconciler.config.model import Reference, Unknown
from reconciler.errors import Place
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Risk
from reconciler.lazy_dataclass import dataclass
from reconciler.state import Live

Action = Literal["create", "update", "replace", "delete"]
"""The action on a resource; `MARKS` has its symbol in text."""

MARKS: Mapping[Action, str] = {"create": "+", "update": "~", "replace": "-/+", "delete": "-"}
RISKS: tuple[Risk, ...] = ("low", "medium", "high")

Op = Literal["create", "update", "delete"]
"""The operation of a step."""

Verdict = Literal["refused", "withheld"]

Standing = Literal[
    "", "pending", "newly_declared", "drifted", "conflict", "unknown", "removed", "removed_conflict", "up_to_date"
]
"""The relation of a difference to the baseline, the last applied configuration; empty without a baseline.

| standing           | what happened since the baseline                                                    |
|--------------------|-------------------------------------------------------------------------------------|
| `pending`          | The configuration changed, and the account did not.                                 |
| `newly_declared`   | The configuration declares what it did not manage before.                           |
| `drifted`          | The account changed, and the configuration did not.                                 |
| `conflict`         | Both changed, to different values.                                                  |
| `unknown`          | The value of the baseline is not known.                                             |
| `removed`          | The configuration no longer declares it, and the account did not change.            |
| `removed_conflict` | The configuration no longer declares it, and the account changed.                   |
| `up_to_date`       | No relevant change.                                                                 |
"""


@dataclass(frozen=True, slots=True)
class InnerChange:
    """One difference inside a JSON value.

    Attributes:
        path: the path inside the value: ``team``, ``tags[0].name``, ``["a.b"]``. The index of an item is its index in
            the list that contains it; for a changed item, in the list before.
        kind: whether it exists only in the later value, only in the former one, or in both with different contents.
        before: the former content; None if it is added.
        after: the later content; None if it is removed.
    """

    path: str
    kind: Literal["added", "removed", "changed"]
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Since:
    """The entry of the ledger that a standing refers to.

    Attributes:
        entry: Its number.
        at: When it was written, as ISO 8601 in UTC.
        commit: The full object name of its source commit; for what was removed, the commit that removed it.
    """

    entry: int
    at: str
    commit: str


@dataclass(frozen=True, slots=True, repr=False)
class FieldChange:
    """One field that differs.

    Attributes:
        path: dotted, in the configuration's vocabulary.
        before: the live content; None if there is none; `Unknown` if it is known only after apply.
        after: the declared content, a `Reference`, or an `Unknown`; None clears.
        before_name: for a reference, the name of the resource it refers to now; for display only, never compared.
        after_name: the same for a SID in `after`.
        sensitive: whether both sides are hidden.
        secrets: the names of the secrets used in `after`.
        forces_replacement: whether this change requires a replace.
        source: where it is declared.
        before_source: where the other configuration declares `before`; None if it comes from the account.
        inside: for JSON that may be shown, the differences inside it, sorted by path; empty unless both are mappings
            that are small enough to compare.
        before_shown: for a sensitive URL, the live side with its secret parts masked; empty if all of it is hidden.
        after_shown: the same for the declared side.
        standing: the relation of the difference to the baseline; empty without one.
        since: the entry since which the baseline's value was correct, or the commit that removed the field.
        returns: whether the configuration no longer declares the field, and `after` is the value that it returns to.
        adopted: whether `after` is the value that the field had before it was managed.
    """

    path: str
    before: Content | Reference | Unknown
    after: Content | Reference | Unknown
    before_name: str = ""
    after_name: str = ""
    sensitive: bool = False
    secrets: tuple[str, ...] = ()
    forces_replacement: bool = False
    source: Place | None = None
    before_source: Place | None = None
    inside: tuple[InnerChange, ...] = ()
    before_shown: str = ""
    after_shown: str = ""
    standing: Standing = ""
    since: Since | None = None
    returns: bool = False
    adopted: bool = False

    def __repr__(self) -> str:
        """Hide sensitive content."""
        if self.sensitive:
            return f"FieldChange({self.path!r}, (sensitive))"
        return f"FieldChange({self.path!r}, {self.before!r} -> {self.after!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """One write to the API.

    Attributes:
        id: unique in the plan, and the same for the same plan: ``services.support.roles.agent#create``.
        op: the operation.
        address: its resource. The two resources of a replace share an address and differ in `sid`.
        kind: its kind.
        parent: the address of the containing resource; None at the top.
        sid: the SID if it is known before the apply; None for creates, and for resources that another step creates.
        values: contents to send, by field path; `Reference`s are resolved when the step runs.
        expects: contents that the response must have in addition to those sent: declared values that are already live.
        adopts: for a resource that Twilio creates along with its parent: the contents to look it up by (a role's name
            and type; nothing for a singleton). Its live contents are known only then, so only the differing `values`
            are sent. For a create: the contents to look up a resource that a new parent may already have. None for
            everything else.
        last: whether it waits for every step that is not last, and is skipped if one of them fails.
        needs: ids of the steps that must succeed first.
        makes_way_for: for a delete that cannot be last, the ids of the steps that take the unique key or slot that it
            frees. They follow it immediately, and all of their other dependencies come before it.
        at_most: for a delete, the counts that its approval allows, which are checked again before it is sent.
        late: whether it waits for every step that does not wait for it, because what it deletes is lost permanently.
    """

    id: str
    op: Op
    address: Address
    kind: Kind
    parent: Address | None
    sid: str | None = None
    values: Mapping[str, Content | Reference | Unknown] = field(default_factory=dict)
    expects: Mapping[str, Content | Reference | Unknown] = field(default_factory=dict)
    adopts: Mapping[str, Content | Reference | Unknown] | None = None
    last: bool = False
    needs: tuple[str, ...] = ()
    makes_way_for: tuple[str, ...] = ()
    late: bool = False
    at_most: tuple[tuple[str, int], ...] = ()

    def __repr__(self) -> str:
        """Hide values: they may be sensitive."""
        return f"Step({self.id!r}, needs={list(self.needs)!r})"


@dataclass(frozen=True, slots=True)
class Tally:
    """One number of an impact.

    Attributes:
        name: its identifier, as in a bounded approval: ``active_conversations``.
        noun: what it counts, in the singular.
        number: how many there are, as far as they were counted.
        is_exact: whether there are no more.
        why_unknown: why they could not be counted; empty if they were.
    """

    name: str
    noun: str
    number: int = 0
    is_exact: bool = True
    why_unknown: str = ""


@dataclass(frozen=True, slots=True)
class Impact:
    """The resources that a delete destroys or affects, counted once. It is not part of the approval.

    Attributes:
        tallies: the numbers, in the order of the kind's counts.
        latest: the time of the newest message, as the API returned it; empty if there is none, or none is shown.
        holders: the users and participants who have the role, in a form that may be shown.
        diverted: where messages go instead, as a sentence; empty if none are diverted.
    """

    tallies: tuple[Tally, ...] = ()
    latest: str = ""
    holders: tuple[str, ...] = ()
    diverted: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """The reason why a change is not applied as planned.

    Attributes:
        name: the guard's name: ``approval``, ``prevent_destroy``, ``prevent_create``, ``default_role``, ``role_in_use``
            …
        verdict: ``refused`` stops the whole apply, ``withheld`` leaves this change out.
        message: a sentence that states what is protected and how to proceed.
        only_delete: whether only the last step of a replace is withheld (the new resource is created, the old one
            kept).
        only_fields: the fields that alone are withheld, in a step of their own that is last; the others are written.
        holders: the users who hold a role and cause it to be withheld, in a form that may be shown.
        fix: YAML to paste into the configuration that resolves it; empty if there is none.
    """

    name: str
    verdict: Verdict
    message: str
    only_delete: bool = False
    holders: tuple[str, ...] = ()
    fix: str = ""
    only_fields: tuple[str, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether it withholds only the last step of a change."""
        return self.only_delete or bool(self.only_fields)


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one resource.

    Attributes:
        address: its address, or its future address.
        kind: its kind.
        action: the action.
        sid: the live resource; None if there is none yet.
        name: its natural key for display; empty for a singleton.
        parent: the address of the containing resource; None at the top.
        service: the name of its service for display; empty at the top of the account.
        fields: the differing fields, in the order of the kind's fields.
        steps: the API calls that make the change, in order.
        reason: the reason, as a short phrase: ``not in the account``, ``pruned``, ``absent: true`` …
        risk: the risk that a reviewer should consider.
        consequences: the effects, one sentence each: permissions gained and lost, traffic moved, history destroyed.
        impact: the resources that its delete destroys or affects; None if it deletes nothing, or nothing was counted.
        guard: the reason why it is not applied as planned; None if it is.
        source: the place of its declaration; None if it is not declared.
        carried: paths of the fields whose values only the account has, and that are copied to the new resource.
        former: for a replace, the old resource; for a change that completes one, its known values. Never shown.
        former_title: for a replace, the natural key of the old resource in a form that may be shown.
        completes: the SID of the resource whose interrupted replace this change completes; empty otherwise.
        standing: the relation of the resource as a whole to the baseline; empty without one, and if only fields differ.
        since: the entry since which the resource matched, or the commit that removed it.
    """

    address: Address
    kind: Kind
    action: Action
    sid: str | None
    name: str
    parent: Address | None = None
    service: str = ""
    fields: tuple[FieldChange, ...] = ()
    steps: tuple[Step, ...] = ()
    reason: str = ""
    risk: Risk = "low"
    consequences: tuple[str, ...] = ()
    impact: Impact | None = None
    guard: Guard | None = None
    source: Place | None = None
    carried: tuple[str, ...] = ()
    former: Live | None = field(default=None, repr=False)
    former_title: str = ""
    completes: str = ""
    standing: Standing = ""
    since: Since | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether no part of it is applied."""
        return self.guard is not None and self.guard.verdict == "withheld" and not self.guard.is_partial
