"""What a kind is: where it stands, how it is recognised, what may be done to it, and its fields.

A kind is declared once, as a frozen pydantic model whose annotations carry markers (`reconciler.kinds.markers`), and as
a `Kind` around it. `Kind` flattens the model into rows (`reconciler.kinds.fields`); validation, diff, replacement,
ordering, encoding, fetching, export, schemas and the reference documentation read those rows and nothing else. This
package does no I/O and knows neither YAML nor HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from reconciler.kinds.fields import Block, Content, Field, flatten
from reconciler.kinds.markers import Declaration, Ref, Risk


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a resource that only its kind can know.

    Attributes:
        path: the field it stands at; empty when it is about the whole resource.
        message: one sentence; never a part of a secret.
        hint: what to do.
        severity: whether it cannot be, or is only doubtful.
        code: what it is, for programs.
    """

    path: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    code: str = "inconsistent"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a change means for the people who run the account, where no single field says it (`OnChange` does).

    Attributes:
        risk: how careful a reviewer should be.
        sentence: what happens, whole.
    """

    risk: Risk
    sentence: str


Contents: TypeAlias = Mapping[str, Content]
"""Contents by field path."""
PartialContents: TypeAlias = Mapping[str, object]
"""Contents by field path, where one that is not known yet is an object of a type of its own."""
UniqueKey: TypeAlias = tuple[tuple[str, ...], Literal["parent", "account"], tuple[str, ...]]
"""Field paths, whether the key is unique within a parent or in the whole account, and the values of the fields."""


def _no_faults(_contents: PartialContents) -> tuple[Fault, ...]:
    return ()


def _nothing_found(_contents: PartialContents, _now: datetime | None) -> tuple[Fault, ...]:
    return ()


def _nothing_derived(_contents: PartialContents) -> Contents:
    return {}


def _as_returned(live: Contents) -> Contents:
    return live


def _never_tolerated(_path: str, _desired: object, _live: Content) -> bool:
    return False


def _no_consequences(
    _before: PartialContents | None, _after: PartialContents | None, _name: str
) -> tuple[Consequence, ...]:
    return ()


def _never_final(_live: PartialContents) -> str:
    return ""


@dataclass(frozen=True)
class Kind:
    """A type of resource: where it stands, how it is recognised, what may be done to it, and its fields.

    Attributes:
        name: the word for it in code, JSON and documentation: ``role``.
        model: the pydantic model that declares its fields.
        section: the keys under which the files hold it, below its parent: ``("roles",)``,
            ``("account", "webhooks")``.
        path: the API's path of the collection, or of the resource itself for a singleton; parents by name in braces:
            ``/v1/Services/{service}/Roles``.
        parent: the kind that contains it; None at the top.
        singleton: whether it always exists, once in each parent, without a SID of its own.
        sid_prefix: the two capitals of its SIDs; empty for singletons.
        list_key: the key of the array in a list's answer; empty for singletons.
        page_size: what to ask for in a page; never over what the API truly gives (sources: each kind's module).
        updatable: whether the API has an update operation at all.
        deletable: whether it can be deleted.
        replace_risk: how careful a reviewer should be with a replace, whatever it changes.
        irreplaceable: why a resource of this kind can never be replaced; empty when it can.
        built_in: natural keys of the resources that Twilio makes with every parent, and what `discriminator` says of
            each. Compared exactly, in references as in declarations.
        built_in_by_flex: natural keys of those that Flex makes in its own parents.
        destroys: what a delete destroys that nobody can bring back, as the end of "deletes …"; empty when nothing.
        delete_refusal: why the API may refuse to delete one for a reason that no read shows, and the way out; empty
            when it does not.
        check: finds what only this kind can know to be wrong, from the contents that the files set.
        check_create: the same for what a create needs, from all contents that the create would send.
        inspect: the same for what is inside of the contents that the files set, and for what the moment makes of it;
            a warning as well as an error. The moment is None where nobody tells it: then nothing is said of dates.
        compose_key: finds the natural key, as one text, where it is made of more than one field.
        key_summary: the fields of that natural key, for the reference documentation.
        discriminator: the field that tells two resources of one natural key apart; empty when nothing does.
        match_by_content: whether it has no name of its own, so that the most alike one is the same one.
        normalize: live contents as they would be if the API always said the same thing in the same place.
        tolerates: whether a live content of a field is as good as the desired one, though it is another.
        consequences: what a change means beyond what its fields say, from the contents that are known before and after
            (None where there is no resource), and from its name as it may be shown. What is not known yet is an object
            of another type than the field's.
        why_final: why the API takes no update of a resource with these live contents; empty when it does.
        webhook_header: whether its writes know the header ``X-Twilio-Webhook-Enabled``.
        readable_by_name: whether one of its resources can be read by its natural key in the place of its SID.
        unique: what two of them can never share: fields, and whether within a parent or in the whole account.
        implies: fields whose content is the natural key of another kind in the same service, which has to be there
            first when the same apply makes it.
        inherits: what a new one takes from a configuration, apart from the defaults that its references name: its own
            field that overrides the default (empty when none does), the configuration's kind, and its field.
        max_per_parent: how many of them one parent can hold; 0 when there is no limit.
        runtime_params: form parameters that the API has for what moves by itself (dates, what has been read), and that
            are therefore no fields.
        deferred: contents that a create refuses, and that an update sets once everything inside is there; by field.
        resend_with: write-only fields that go along when a field changes that says what they mean, by that field.
        derive: contents that a create takes when the files leave them out, from those that they set.
        typical_fields: the fields that a new one mostly sets, by path; what editors put there to be filled in.
        noun: the word for one of them in messages; by default the name with blanks.
        docs: where Twilio documents it.
        summary: one sentence for the reference documentation.
    """

    name: str
    model: type[Declaration]
    section: tuple[str, ...]
    path: str
    summary: str
    docs: str
    parent: str | None = None
    singleton: bool = False
    sid_prefix: str = ""
    list_key: str = ""
    page_size: int = 50
    updatable: bool = True
    deletable: bool = True
    replace_risk: Risk = "high"
    irreplaceable: str = ""
    built_in: Mapping[str, str] = field(default_factory=dict)
    built_in_by_flex: frozenset[str] = frozenset()
    destroys: str = ""
    delete_refusal: str = ""
    check: Callable[[PartialContents], tuple[Fault, ...]] = _no_faults
    check_create: Callable[[PartialContents], tuple[Fault, ...]] = _no_faults
    inspect: Callable[[PartialContents, datetime | None], tuple[Fault, ...]] = _nothing_found
    derive: Callable[[PartialContents], Contents] = _nothing_derived
    compose_key: Callable[[PartialContents], str] | None = None
    key_summary: str = ""
    discriminator: str = ""
    match_by_content: bool = False
    normalize: Callable[[Contents], Contents] = _as_returned
    tolerates: Callable[[str, object, Content], bool] = _never_tolerated
    consequences: Callable[[PartialContents | None, PartialContents | None, str], tuple[Consequence, ...]] = (
        _no_consequences
    )
    why_final: Callable[[PartialContents], str] = _never_final
    webhook_header: bool = False
    readable_by_name: bool = False
    unique: tuple[tuple[tuple[str, ...], Literal["parent", "account"]], ...] = ()
    implies: Mapping[str, str] = field(default_factory=dict)
    inherits: tuple[tuple[str, str, str], ...] = ()
    max_per_parent: int = 0
    runtime_params: tuple[str, ...] = ()
    deferred: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resend_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    typical_fields: tuple[str, ...] = ()
    noun: str = ""

    def __post_init__(self) -> None:
        if not self.noun:
            object.__setattr__(self, "noun", self.name.replace("_", " "))

    @cached_property
    def _flat(self) -> tuple[tuple[Field, ...], tuple[Block, ...]]:
        return flatten(self.model)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every writable field, in the order of the model."""
        return self._flat[0]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The mappings that group fields, outer before inner."""
        return self._flat[1]

    @cached_property
    def by_path(self) -> Mapping[str, Field]:
        """The fields by their dotted path."""
        return {entry.path: entry for entry in self.fields}

    @cached_property
    def natural_key(self) -> str:
        """The path of the field that recognises a resource and defaults to the handle; empty where there is none."""
        return next((entry.path for entry in self.fields if entry.natural_key), "")

    def name_of(self, contents: PartialContents) -> str:
        """The natural key of a resource with these contents, as one text; empty when they do not tell it."""
        if self.compose_key is not None:
            return self.compose_key(contents)
        name = contents.get(self.natural_key)
        return name if isinstance(name, str) else ""

    @cached_property
    def defaults(self) -> tuple[tuple[str, str, str], ...]:
        """Every default that a new one takes: its own field, the configuration's kind, and that one's field."""
        references = (
            (entry.path, "service_configuration", marker.default)
            for entry in self.fields
            if (marker := entry.marker(Ref)) is not None and marker.default
        )
        return (*references, *self.inherits)

    def unique_keys(self, contents: Mapping[str, object]) -> Iterator[UniqueKey]:
        """The keys of a resource with these contents that no second resource can have.

        Args:
            contents: by field path; a key with a part that is missing or not a text is no key.
        """
        for paths, scope in self.unique:
            values = tuple(content for path in paths if isinstance(content := contents.get(path), str) and content)
            if len(values) == len(paths):
                yield paths, scope, values

    def __hash__(self) -> int:
        """Kinds are told apart by name."""
        return hash(self.name)

    def __repr__(self) -> str:
        """Short, for test output."""
        return f"<kind {self.name}>"
