"""Settings of the whole configuration: `prune`, `limits`, `approvals`, `unmanaged`, and the account.

Takes the merged tree; returns the model's objects and reports problems. The planner applies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reconciler.address import Address, AddressError
from reconciler.config.approval_bounds import BoundsReader
from reconciler.config.drafts import Draft
from reconciler.config.environments import Environment, mapping_of
from reconciler.config.findings import Findings, listed, shown
from reconciler.config.interpolation import Interpolation
from reconciler.config.layout import Layout
from reconciler.config.list_settings import ListSetting
from reconciler.config.lookalike import did_you_mean
from reconciler.config.model import Acknowledgement, Approval, Limits, Prune
from reconciler.config.nodes import KeyValue, ListNode, MapNode, Node, ScalarNode, is_null
from reconciler.config.text_resolver import TextResolver
from reconciler.config.value_parsers import is_sid, parse_boolean, sid_error
from reconciler.errors import Place
from reconciler.kinds.base import Kind

_LIMITS = ("deletes", "updates", "creates")
_MOST = 10**9
_APPROVALS = ListSetting(
    key="approvals",
    noun="an approval",
    contents="address and action",
    example="{address: services.support, action: delete}",
    keys={"address": "add address: …", "action": "", "at_most": ""},
)
_ACKNOWLEDGE = ListSetting(
    key="acknowledge",
    noun="an item of acknowledge",
    contents="code and address",
    example="{code: stale-renamed-from, address: services.support}",
    keys={"code": "add code: …, as --format json shows it", "address": ""},
)


class SettingsReader:
    """Reads the settings of the whole configuration.

    Args:
        layout: The valid keys.
        findings: Collects the problems.
        texts: Resolves scalars.
        complete: Whether every file was read. If not, a missing collection is not reported.
    """

    def __init__(self, layout: Layout, findings: Findings, texts: TextResolver, *, complete: bool) -> None:
        self._layout = layout
        self._findings = findings
        self._texts = texts
        self._complete = complete
        self._bounds = BoundsReader(layout, findings, texts)

    # --- prune ---

    def prune(self, tree: MapNode, drafts: list[Draft]) -> dict[Address, Prune]:
        """Return every collection to prune, sorted by address."""
        found = self._prune_in(tree.by_key, (), self._layout.prunable, "the configuration has")
        for draft in drafts:
            if draft.layout.prunable and "prune" in draft.by_key:
                where = "a template may" if draft.is_template else f"{draft.address} has"
                prunes = self._prune_in(draft.by_key, draft.address.parts, draft.layout.prunable, where, draft)
                if not draft.is_template:
                    found += prunes
        return {item.collection: item for item in sorted(found, key=lambda item: item.collection)}

    def _prune_in(
        self,
        by_key: Mapping[str, KeyValue],
        parts: tuple[str, ...],
        prunable: Mapping[str, Kind],
        where: str,
        draft: Draft | None = None,
    ) -> list[Prune]:
        found = []
        for key, (named, rules) in self._pruned_sections(by_key.get("prune"), tuple(prunable)).items():
            kind = prunable.get(key)
            if kind is None:
                hint = self._findings.instead(key, tuple(prunable), what="these can be pruned here:")
                self._findings.error("unknown-collection", f"{shown(key)} cannot be pruned here", named.place, hint)
                continue
            # A section whose lines are all commented out is not meant to empty an account.
            is_declared = key in by_key and not is_null(by_key[key].value)
            if not is_declared and self._complete and not (draft is not None and draft.is_template):
                message = f"prune lists {key}, but {where} no {key}"
                hint = f"write {key}: {{}} to prune all of them"
                self._findings.error("prune-of-nothing", message, named.place, hint)
                continue
            if rules is not None and (is_null(rules) or (isinstance(rules, MapNode) and rules.cleared)):
                # Its lines may be commented out, which must not widen what is deleted.
                message = f"prune.{key} is empty"
                hint = f"write {key}: {{}} to prune all of them, or remove {key} from prune to keep them"
                self._findings.error("empty-prune", message, named.place, hint)
                continue
            match, keep = self._rules(rules, key)
            found.append(Prune(Address((*parts, key)), kind, named.place, match, keep))
        return found

    def _pruned_sections(
        self, pair: KeyValue | None, prunable: tuple[str, ...]
    ) -> dict[str, tuple[ScalarNode, Node | None]]:
        if pair is None or is_null(pair.value) or (isinstance(pair.value, MapNode) and pair.value.cleared):
            return {}
        node = pair.value
        if isinstance(node, MapNode):
            return {key: (inner.key, inner.value) for key, inner in node.by_key.items()}
        sections: dict[str, tuple[ScalarNode, Node | None]] = {}
        if isinstance(node, ListNode):
            for item in node.items:
                if not isinstance(item, ScalarNode):
                    hint = "to give rules, write prune as a mapping: {addresses: {match: …}}"
                    self._findings.error(
                        "wrong-type", "each item of prune must be the name of a collection", item.place, hint
                    )
                elif item.text in sections:
                    related = [(sections[item.text][0].place, "first occurrence")]
                    self._findings.warning(
                        "duplicate-item",
                        f"prune lists {shown(item.text)} twice",
                        item.place,
                        "remove one of them",
                        related=related,
                    )
                else:
                    sections[item.text] = (item, None)
        else:
            hint = f"write a list: prune: [{node.text if node.text in prunable else ', '.join(prunable)}]"
            self._findings.error("wrong-type", "prune must be a list or a mapping", node.place, hint)
        return sections

    def _rules(self, node: Node | None, section: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if node is None or is_null(node):
            return (), ()
        if not isinstance(node, MapNode):
            hint = f"write {section}: {{}} for all of them, or {section}: {{match: …, except: […]}}"
            self._findings.error("wrong-type", f"prune of {section} must be a mapping", node.place, hint)
            return (), ()
        globs: dict[str, tuple[str, ...]] = {"match": (), "except": ()}
        for key, pair in node.by_key.items():
            if key in globs:
                globs[key] = self._globs(pair.value, key)
            else:
                message = f"prune of {section} has no key {shown(key)}"
                self._findings.error("unknown-key", message, pair.key.place, self._findings.instead(key, tuple(globs)))
        return globs["match"], globs["except"]

    def _globs(self, node: Node, name: str) -> tuple[str, ...]:
        """Read one or several globs. An empty list is an error: it would turn a narrow prune into a full one."""
        items = node.items if isinstance(node, ListNode) else [node]
        if not items or is_null(node):
            hint = "write at least one glob, or remove the line"
            self._findings.error("wrong-type", f"{name} is empty", node.place, hint)
            return ()
        texts = [self._texts.text(item, name) for item in items]
        return tuple(sorted({text for text in texts if text is not None}))

    # --- limits, approvals, unmanaged ---

    def limits(self, tree: MapNode) -> Limits:
        """Return the limits of one apply."""
        found: dict[str, int] = {}
        for key, pair in mapping_of(tree.by_key.get("limits"), "limits", self._findings).items():
            if key not in _LIMITS:
                hint = self._findings.instead(key, _LIMITS)
                self._findings.error("unknown-key", f"limits has no key {shown(key)}", pair.key.place, hint)
                continue
            text = self._texts.text(pair.value, f"limits.{key}")
            if text is None:
                continue
            if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST))):
                message = f"limits.{key} must be a whole number from 0, not {shown(text)}"
                self._findings.error("wrong-type", message, pair.value.place, "write digits only")
                continue
            found[key] = int(text)
        return Limits(**found)

    def approvals(self, tree: MapNode) -> tuple[Approval, ...]:
        """Return the approvals, sorted, without duplicates."""
        found = {}
        for item in _APPROVALS.items(tree, self._findings):
            approval = self._approval(item)
            if approval is not None:
                found[approval.address, approval.action, approval.at_most] = approval
        return tuple(found[key] for key in sorted(found))

    def acknowledgements(self, tree: MapNode) -> tuple[Acknowledgement, ...]:
        """Return the acknowledged warnings, in the order of the files."""
        found = [self._acknowledgement(item) for item in _ACKNOWLEDGE.items(tree, self._findings)]
        return tuple(item for item in found if item is not None)

    def _acknowledgement(self, node: MapNode) -> Acknowledgement | None:
        named = node.by_key["code"]
        code = self._texts.text(named.value, "code")
        about = node.by_key.get("address")
        address = "" if about is None else self._texts.text(about.value, "address")
        if code is None or address is None:
            return None
        if about is not None:
            try:
                address = str(Address.parse(address))
            except AddressError:
                hint = "use an address shown by `reconciler plan`"
                self._findings.error(
                    "malformed-address", f"{shown(address)} is not a valid address", about.value.place, hint
                )
                return None
        return Acknowledgement(code, address, named.value.place)

    def _approval(self, node: MapNode) -> Approval | None:
        named = node.by_key["address"]
        action = self._approved_action(node.by_key.get("action"))
        address = self._approved_address(named.value, is_update=action == "update")
        if address is None or action is None:
            return None
        at_most = self._bounds.read(address, action, node.by_key.get("at_most"))
        return None if at_most is None else Approval(address, action, named.value.place, at_most)

    def _approved_address(self, node: Node, *, is_update: bool) -> Address | None:
        text = self._texts.text(node, "address")
        if text is None:
            return None
        try:
            address = Address.parse(text)
        except AddressError:
            self._findings.error(
                "malformed-address",
                f"{shown(text)} is not a valid address",
                node.place,
                "use an address shown by `reconciler plan`",
            )
            return None
        kind = self._layout.kind_at(address.parts)
        if kind is None or (kind.singleton and not is_update):
            message = f"no resource that can be deleted or replaced has the address {shown(text)}"
            hint = "use an address shown by `reconciler plan`"
            if address.parts[0] not in self._layout.sections:
                hint = self._findings.instead(
                    address.parts[0], tuple(self._layout.prunable), what="addresses begin with"
                )
            if meant := self._layout.closest_address(address, self._is_removable):
                hint = did_you_mean(text, str(meant))
            self._findings.error("malformed-address", message, node.place, hint)
            return None
        return address

    def _is_removable(self, address: Address) -> bool:
        kind = self._layout.kind_at(address.parts)
        return kind is not None and not kind.singleton

    def _approved_action(self, pair: KeyValue | None) -> Literal["delete", "replace", "update"] | None:
        if pair is None:
            return "delete"
        text = self._texts.text(pair.value, "action")
        if text == "delete":
            return "delete"
        if text == "replace":
            return "replace"
        if text == "update":
            return "update"
        if text is not None:
            message = f"the action of an approval must be delete, replace, or update, not {shown(text)}"
            self._findings.error("unknown-choice", message, pair.value.place, "write delete, replace, or update")
        return None

    def account_seal(self, tree: MapNode) -> ScalarNode | None:
        """Return the key ``account.sealed`` if it is true; None otherwise."""
        account = tree.by_key.get("account")
        pair = account.value.by_key.get("sealed") if account and isinstance(account.value, MapNode) else None
        text = self._texts.text(pair.value, "account.sealed") if pair is not None else None
        if pair is None or text is None:
            return None
        sealed = parse_boolean(text)
        if sealed is None:
            message = f"account.sealed must be true or false, not {shown(text)}"
            self._findings.error("wrong-type", message, pair.value.place)
        return pair.key if sealed else None

    def unmanaged_ignore(self, tree: MapNode) -> tuple[str, ...]:
        """Return the globs of unmanaged resources that are not reported."""
        globs: tuple[str, ...] = ()
        for key, pair in mapping_of(tree.by_key.get("unmanaged"), "unmanaged", self._findings).items():
            if key != "ignore":
                hint = self._findings.instead(key, ("ignore",))
                self._findings.error("unknown-key", f"unmanaged has no key {shown(key)}", pair.key.place, hint)
            elif isinstance(pair.value, ListNode):
                texts = [self._texts.text(item, "ignore") for item in pair.value.items]
                globs = tuple(sorted({text for text in texts if text is not None}))
            elif not is_null(pair.value):
                hint = "write a list with a - before each glob"
                self._findings.error("wrong-type", "ignore must be a list", pair.value.place, hint)
        return globs


def account_guard(
    tree: MapNode,
    selected: Environment,
    environments: Mapping[str, Environment],
    interpolation: Interpolation,
    findings: Findings,
    *,
    allow_unset: bool,
) -> tuple[str | None, Place | None]:
    """Return the only account that may be changed, and the place that declares it.

    The environment's ``account_sid`` takes precedence over ``account.sid``, which applies without an environment. An
    account from an environment variable would allow any account, so it is always an error.
    """
    sid: str | None = None
    place: Place | None = None
    account = tree.by_key.get("account")
    if account is not None and isinstance(account.value, MapNode) and (pair := account.value.by_key.get("sid")):
        if isinstance(pair.value, ScalarNode) and not pair.value.is_null:
            sid, place = (
                _guard(pair.value, "account.sid", interpolation, findings, allow_unset=allow_unset),
                pair.value.place,
            )
        else:
            findings.error("wrong-type", "account.sid must be text", pair.value.place, "write AC…, or remove the line")
    for environment in environments.values():
        scalar = environment.account_sid
        if scalar is None:
            continue
        name = f"environments.{environment.name}.account_sid"
        if environment is selected:
            sid, place = _guard(scalar, name, interpolation, findings, allow_unset=allow_unset), scalar.place
        elif "${" not in scalar.text:
            # Its variables may be defined for its own environment only.
            _guard(scalar, name, interpolation, findings, allow_unset=allow_unset)
    return sid, place


def _guard(
    scalar: ScalarNode, name: str, interpolation: Interpolation, findings: Findings, *, allow_unset: bool
) -> str | None:
    text = interpolation.text(scalar)
    if text.failed:
        return None
    if text.placeholders:
        interpolation.report_placeholders(text.placeholders)
        return None
    for missing in text.missing:
        if missing.code == "undefined-variable":
            if allow_unset:
                return None
            findings.error(missing.code, missing.message, missing.place, missing.hint)
            return None
    guarded_by = {item.code for item in text.missing} | text.namespaces
    if guarded_by:
        sources = {
            "env": "an environment variable", "unset-environment": "an environment variable", "secret": "a secret",
            "unset-secret": "a secret", "file": "a file", "option": "--var",
        }  # fmt: skip
        source_names = listed(sorted({sources[item] for item in guarded_by}))
        message = f"{name} does not protect the account if it comes from {source_names}"
        findings.error(
            "guards-nothing", message, scalar.place, "write the account's SID, or a variable defined in the files"
        )
        return None
    if not is_sid(text.text, "AC"):
        remark = sid_error(name, "AC", text.text, shown(text.text)).remark
        findings.error(remark.code, remark.message, scalar.place, remark.hint)
        return None
    return text.text
