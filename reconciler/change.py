"""The vocabulary of a plan: field changes, steps, changes. Frozen data without behavior.

Contents here are the true ones, secrets included, because an apply has to send them: nothing here may be printed as it
is. `reconciler.planning.plan.to_json` and `reconciler.render.view` are the two ways out, and both redact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.address import Address
from reconciler.config.model import Reference, Unknown
from reconciler.errors import Place
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Risk
from reconciler.state import Live

Action = Literal["create", "update", "replace", "delete"]
"""What happens to a resource; `MARKS` has its mark in text."""

MARKS: Mapping[Action, str] = {"create": "+", "update": "~", "replace": "-/+", "delete": "-"}
RISKS: tuple[Risk, ...] = ("low", "medium", "high")

Op = Literal["create", "update", "delete"]
"""The operation of a step."""

Verdict = Literal["refused", "withheld"]

Standing = Literal[
    "", "pending", "newly_declared", "drifted", "conflict", "unknown", "removed", "removed_conflict", "up_to_date"
]
"""How a difference stands to the baseline, the configuration that was applied last; empty without a baseline.

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
        path: where inside the value: ``team``, ``tags[0].name``, ``["a.b"]``. The index of an item is that in the list
            that has it; of a changed item, that in the list before.
        kind: whether only the later value has it, only the former one, or both with other contents.
        before: the former content; None where it is added.
        after: the later content; None where it is removed.
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
        before: the live content; None where there is none; `Unknown` if it is known only after the apply.
        after: the declared content, a `Reference`, or an `Unknown`; None clears.
        before_name: for a reference, the name of the resource it refers to now; shown only, never compared.
        sensitive: whether both sides are hidden.
        secrets: the names of the secrets that go into `after`.
        forces_replacement: whether this change requires a replace.
        source: where it is declared.
        before_source: where the other configuration declares `before`; None if it comes from the account.
        inside: for JSON that may be shown, the differences inside it, sorted by path; empty where both are not
            mappings, or are too large to be looked through.
        before_shown: of a sensitive URL, the live side with its secret parts masked; empty if all of it is hidden.
        after_shown: the same for the declared side.
        standing: how the difference stands to the baseline; empty without one.
        since: the entry since which the baseline's value was right, or the commit that removed the field.
        returns: whether the configuration no longer declares the field, and `after` is the value that it returns to.
        adopted: whether `after` is the value that the field had before it was managed.
    """

    path: str
    before: Content | Reference | Unknown
    after: Content | Reference | Unknown
    before_name: str = ""
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
        sid: the SID when it is known before the apply; None for creates, and for what another step creates.
        values: contents to send, by field path; `Reference`s are resolved when the step runs.
        expects: contents that the response must have besides those sent: declared values that are live already.
        adopts: for what Twilio will have made by itself along with its parent: the contents by which to find it there
            (a role's name and type; nothing for a singleton). Its live contents are known only then, so of `values`
            only what differs is sent. Of a create: by what to find the resource that a new parent may have without
            that being certain. None for everything else.
        last: whether it waits for everything that is not last, and is left out if any of that fails.
        needs: ids of the steps that must have succeeded before.
        makes_way_for: for a delete that cannot be last, the ids of the steps that take what it frees (a unique key, a
            slot). They follow it at once, and everything else that they need comes before it.
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

    def __repr__(self) -> str:
        """Hide values: they may be sensitive."""
        return f"Step({self.id!r}, needs={list(self.needs)!r})"


@dataclass(frozen=True, slots=True)
class Guard:
    """Why a change is not carried out as it is.

    Attributes:
        name: which guard: ``approval``, ``prevent_destroy``, ``prevent_create``, ``default_role``, ``role_in_use`` …
        verdict: ``refused`` stops the whole apply, ``withheld`` leaves this part out of it.
        message: a sentence that names what is protected and how to proceed.
        only_delete: whether only the last step of a replace is withheld (the new resource is made, the old one kept).
        only_fields: the fields that alone are withheld, in a step of their own that is last; the others are written.
        holders: those because of whom it is withheld, as they may be shown: the users who hold a role.
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
        address: its address, or the one it would have.
        kind: its kind.
        action: the action.
        sid: the live resource; None when there is none yet.
        name: its natural key, for people; of a singleton the empty string.
        parent: the address of the containing resource; None at the top.
        service: the name of the service it belongs to, for people; empty at the top of the account.
        fields: what differs, in the order of the kind's fields.
        steps: the calls that make it so, in their order.
        reason: why, as a short phrase: ``not in the account``, ``pruned``, ``absent: true`` …
        risk: how careful a reviewer should be.
        consequences: effects for people, each as a sentence: permissions gained and lost, traffic moved,
            history destroyed.
        guard: why it is not carried out as it is; None if it is.
        source: where it is declared; None if it is not.
        carried: paths of the fields whose values only the account has, and that the new resource gets as well.
        former: of a replace, the old resource; of a change that completes one, its known values. Never shown.
        former_title: of a replace, the natural key of the old resource as it may be shown.
        completes: the SID of the resource whose interrupted replace this change completes; empty for none.
        standing: how the resource as a whole stands to the baseline; empty without one, and if only fields differ.
        since: the entry since which the resource was as declared, or the commit that removed it.
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
        """Return whether no part of it is carried out."""
        return self.guard is not None and self.guard.verdict == "withheld" and not self.guard.is_partial
