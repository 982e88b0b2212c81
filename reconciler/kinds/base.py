"""The definition of a kind: its place, its natural key, what the API can do with it, and its fields.

A kind is declared once: a class whose annotations carry markers (`reconciler.kinds.markers`), and a
`Kind` with that class. `Kind` turns it into fields (`reconciler.kinds.fields`). Validation, diff, replacement,
ordering, encoding, fetching, export, schemas, and the reference documentation work from these definitions alone. This
package does no I/O and knows neither YAML nor HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from reconciler.kinds import hooks
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.flatten import Block, flatten
from reconciler.kinds.hooks import Consequence, Fault, PartialValues, Values
from reconciler.kinds.impact import Count
from reconciler.kinds.markers import Declaration, Ref, Risk
from reconciler.lazy_dataclass import dataclass

UniqueKey: TypeAlias = tuple[tuple[str, ...], Literal["parent", "account"], tuple[str, ...]]
"""Field paths, whether the key is unique within a parent or in the whole account, and the values of the fields."""


@dataclass(frozen=True, eq=False)
class Kind:
    """A type of resource.

    Attributes:
        name: The identifier of the kind in code, JSON, and documentation: ``service_webhook``.
        model: The class that declares its fields.
        section: The keys that hold it in the configuration, below its parent: ``("roles",)``,
            ``("account", "webhooks")``.
        path: The API's path of the collection, or of the resource itself for a singleton, with parents in braces:
            ``/v1/Services/{service}/Roles``.
        summary: One sentence for the reference documentation and for editors.
        docs: The URL of Twilio's documentation.

        parent: The kind that contains it; None at the top.
        singleton: Whether it exists exactly once in each parent, without a SID of its own.
        sid_prefix: The first two characters of its SIDs; empty for singletons.
        list_key: The key of the array in the response of a list; empty for singletons.
        page_size: The page size to request; at most what the API returns (sources: each kind's module).
        noun: What messages call one of them; by default the name with spaces.
        is_container: Whether users organize an account by it: messages name the one that a resource is in, it can use
            a template, and an export gives each one a file.
        is_traffic: Whether most of them are created by customers, not by operators: plans do not list unmanaged ones,
            and an export includes them only on request.

        updatable: Whether the API can update it.
        deletable: Whether the API can delete it.
        why_final: Returns why the API accepts no update of a resource with these live values; empty if it does.
        replace_risk: The risk of a replace, whatever it changes.
        irreplaceable: Why it can never be replaced; empty if it can.
        destroys: What a delete destroys permanently, as the end of "deletes …"; empty for nothing.
        counts: What a delete destroys or affects, as numbers that a plan shows before it.
        diverts: Returns where messages go once a resource with these live values is deleted, as the end of a sentence;
            empty if it receives none.
        delete_refusal: Why the API may refuse a delete for a reason that no read shows, and how to go on; empty if it
            does not.
        max_per_parent: How many of them one parent can hold; 0 without a limit.
        write_limit: What Twilio counts its writes against: the ``container`` that it is in; or, for itself and
            everything inside it, each ``resource`` (whose creates and deletes count for the container); empty without a
            published limit, or if it counts for the resource that it is in.

        built_in: The natural keys of resources that Twilio creates with every parent, each with its value of the
            `discriminator`. Compared exactly, in references and in declarations.
        built_in_fallback: By value of the `discriminator`, the built-in resource to use in place of a deleted one.
        built_in_by_flex: The natural keys of resources that Flex creates in its own parents.
        never_pruned: Natural keys that no prune rule covers.
        initial: Values that a resource has unless they are set.

        compose_key: Composes the natural key as one text, if it consists of several fields.
        key_summary: The fields of that natural key, for the reference documentation.
        discriminator: The field that distinguishes resources with the same natural key; empty if none does.
        match_by_content: Whether it has no name, so that live resources are matched by similarity.
        unique: Keys that two of them can never share: field paths, and whether within a parent or the whole account.
        readable_by_name: Whether the API can read one by its natural key in place of its SID.
        exclusive_pair: Two fields of which the first should have only one value of the second within a parent, such as
            an address and its proxy address; empty if there are none.
        handle_fields: Fields whose first value suggests a handle in an export; by default the natural key.
        key_as_handle: Whether an export uses the natural key as the handle even if it is not a plain identifier.

        check: Finds problems in the values that the configuration sets.
        check_create: Finds problems in the values that a create would send.
        inspect: Finds problems inside values (certificates, keys), some of which depend on the time. Without a time, it
            checks no dates.
        derive: Returns values that a create uses if the configuration omits them, from those that it sets.
        normalize: Returns live values as if the API always returned the same value in the same place.
        tolerates: Whether a live value of a field is as good as a different desired value.
        dropped_with: The fields that the API empties when another one changes, by that one's path.
        consequences: Returns effects of a change beyond those of single fields, from the values before and after (None
            if there is no resource) and the name that may be shown.
        interruption: Returns effects between the delete and the create of a replace that has to delete the old resource
            first, from the values before and after and the name that may be shown.

        webhook_header: Whether its writes accept the header ``X-Twilio-Webhook-Enabled``.
        implies: Fields whose value is the natural key of a resource of another kind in the same service, which must be
            created first if the same apply creates it.
        inherits: The defaults that a new one takes from a configuration, besides those of its references: its own field
            that overrides the default (empty if none does), the configuration's kind, and its field.
        runtime_params: Form parameters that are not configuration (dates, read positions), and therefore not fields.
        deferred: Values that a create rejects, by field; an update sets them once everything inside exists.
        resend_with: Write-only fields that an update must repeat if a field changes, by that field.
        typical_fields: The fields of an editor's snippet for a new one.
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
    noun: str = ""
    is_container: bool = False
    is_traffic: bool = False

    updatable: bool = True
    deletable: bool = True
    why_final: Callable[[PartialValues], str] = hooks.never_final
    replace_risk: Risk = "high"
    irreplaceable: str = ""
    destroys: str = ""
    counts: tuple[Count, ...] = ()
    diverts: Callable[[PartialValues], str] = hooks.divert_nothing
    delete_refusal: str = ""
    max_per_parent: int = 0
    write_limit: Literal["", "container", "resource"] = ""

    built_in: Mapping[str, str] = field(default_factory=dict)
    built_in_fallback: Mapping[str, str] = field(default_factory=dict)
    built_in_by_flex: frozenset[str] = frozenset()
    never_pruned: frozenset[str] = frozenset()
    initial: Values = field(default_factory=dict)

    compose_key: Callable[[PartialValues], str] | None = None
    key_summary: str = ""
    discriminator: str = ""
    match_by_content: bool = False
    unique: tuple[tuple[tuple[str, ...], Literal["parent", "account"]], ...] = ()
    readable_by_name: bool = False
    exclusive_pair: tuple[str, ...] = ()
    handle_fields: tuple[str, ...] = ()
    key_as_handle: bool = False

    check: Callable[[PartialValues], tuple[Fault, ...]] = hooks.no_faults
    check_create: Callable[[PartialValues], tuple[Fault, ...]] = hooks.no_faults
    inspect: Callable[[PartialValues, datetime | None], tuple[Fault, ...]] = hooks.no_inspection
    derive: Callable[[PartialValues], Values] = hooks.derive_nothing
    normalize: Callable[[Values], Values] = hooks.as_returned
    tolerates: Callable[[str, object, Content], bool] = hooks.never_tolerated
    dropped_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    consequences: Callable[[PartialValues | None, PartialValues | None, str], tuple[Consequence, ...]] = (
        hooks.no_consequences
    )
    interruption: Callable[[PartialValues, PartialValues, str], tuple[Consequence, ...]] = hooks.no_interruption

    webhook_header: bool = False
    implies: Mapping[str, str] = field(default_factory=dict)
    inherits: tuple[tuple[str, str, str], ...] = ()
    runtime_params: tuple[str, ...] = ()
    deferred: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resend_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    typical_fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.noun:
            object.__setattr__(self, "noun", self.name.replace("_", " "))

    @property
    def indefinite(self) -> str:
        """The noun with its article: ``an address``."""
        # "user" begins with a consonant sound.
        article = "an" if self.noun[0] in "aeiou" and not self.noun.startswith("us") else "a"
        return f"{article} {self.noun}"

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
        return {item.path: item for item in self.fields}

    @cached_property
    def references(self) -> Mapping[str, Ref]:
        """The fields that refer to other resources, by path, and what they refer to."""
        return {item.path: marker for item in self.fields if (marker := item.marker(Ref)) is not None}

    @cached_property
    def replacing(self) -> frozenset[str]:
        """The fields whose changed values replace the resource."""
        return frozenset(item.path for item in self.fields if item.forces_replacement)

    @cached_property
    def write_only(self) -> frozenset[str]:
        """The fields that Twilio never returns."""
        return frozenset(item.path for item in self.fields if item.write_only)

    @cached_property
    def compared_by_meaning(self) -> frozenset[str]:
        """The fields whose values are not simply equal or different: JSON, and what Twilio never returns."""
        return self.write_only.union(item.path for item in self.fields if item.shape is Shape.JSON)

    @cached_property
    def natural_key(self) -> str:
        """The field that identifies a resource and defaults to the handle; empty if there is none."""
        return next((item.path for item in self.fields if item.natural_key), "")

    def name_of(self, values: PartialValues) -> str:
        """Return the natural key of a resource with these values, as one text; empty if they do not determine it."""
        if self.compose_key is not None:
            return self.compose_key(values)
        name = values.get(self.natural_key)
        return name if isinstance(name, str) else ""

    def is_built_in(self, values: PartialValues) -> bool:
        """Whether Twilio makes a resource with these values in every service, by its exact name and type."""
        of_type = self.built_in.get(self.name_of(values))
        return of_type is not None and values.get(self.discriminator) in {None, of_type}

    @cached_property
    def defaults(self) -> tuple[tuple[str, str, str], ...]:
        """The defaults that a new one takes: its own field, the configuration's kind, and that kind's field."""
        references = (
            (item.path, "service_configuration", marker.default)
            for item in self.fields
            if (marker := item.marker(Ref)) is not None and marker.default
        )
        return (*references, *self.inherits)

    def unique_keys(self, values: Mapping[str, object]) -> Iterator[UniqueKey]:
        """Yield the keys of a resource with these values that no second resource can have.

        Args:
            values: By field path; a key with a missing part, or one that is not text, is left out.
        """
        for paths, scope in self.unique:
            parts = tuple(part for path in paths if isinstance(part := values.get(path), str) and part)
            if len(parts) == len(paths):
                yield paths, scope, parts

    def __repr__(self) -> str:
        """Return a short form for test output."""
        return f"<kind {self.name}>"
