"""The keys `on_removal` and `removed`, about resources and fields that the configuration no longer declares.

Takes the merged tree; returns the model's objects and reports problems. Both matter only with a baseline.
"""

from __future__ import annotations

from reconciler.address import Address, AddressError
from reconciler.config.environments import mapping_of
from reconciler.config.findings import Findings, shown
from reconciler.config.layout import Layout
from reconciler.config.list_settings import ListSetting
from reconciler.config.lookalike import did_you_mean
from reconciler.config.model import OnRemoval, Removed
from reconciler.config.nodes import MapNode, Node
from reconciler.config.text_resolver import TextResolver

_ACTIONS: tuple[OnRemoval, ...] = ("delete", "forget")
_REMOVED = ListSetting(
    key="removed",
    noun="an item of removed",
    contents="address and action",
    example="{address: services.support.roles.agent, action: forget}",
    keys={"address": "add address: …", "action": "add action: forget"},
)


class RemovalReader:
    """Reads both keys.

    Args:
        layout: The valid keys.
        findings: Collects the problems.
        texts: Resolves scalars.
    """

    def __init__(self, layout: Layout, findings: Findings, texts: TextResolver) -> None:
        self._layout = layout
        self._findings = findings
        self._texts = texts

    def on_removal(self, tree: MapNode) -> dict[str, OnRemoval]:
        """Return what becomes of removed resources, by the name of their kind."""
        found: dict[str, OnRemoval] = {}
        sections = self._layout.removable
        for key, pair in mapping_of(tree.by_key.get("on_removal"), "on_removal", self._findings).items():
            kind = sections.get(key)
            if kind is None:
                hint = self._findings.instead(key, tuple(sections))
                self._findings.error("unknown-key", f"on_removal has no key {shown(key)}", pair.key.place, hint)
                continue
            text = self._texts.text(pair.value, f"on_removal.{key}")
            action = next((one for one in _ACTIONS if one == text), None)
            if action is not None:
                found[kind.name] = action
            elif text is not None:
                message = f"on_removal.{key} must be delete or forget, not {shown(text)}"
                self._findings.error("unknown-choice", message, pair.value.place, "write delete or forget")
        return dict(sorted(found.items()))

    def removed(self, tree: MapNode) -> tuple[Removed, ...]:
        """Return what stays in the account although it is no longer declared, in the order of the files."""
        found = (self._one_removed(item) for item in _REMOVED.items(tree, self._findings))
        return tuple(item for item in found if item is not None)

    def _one_removed(self, node: MapNode) -> Removed | None:
        action = node.by_key["action"].value
        text = self._texts.text(action, "action")
        if text not in {None, "forget"}:
            message = f"the action of an item of removed must be forget, not {shown(text or '')}"
            self._findings.error("unknown-choice", message, action.place, "write forget")
            return None
        address = self._address(node.by_key["address"].value)
        return None if address is None or text is None else Removed(address, node.by_key["address"].value.place)

    def _address(self, node: Node) -> Address | None:
        """Read the address of a resource, of a field, or of a block of fields."""
        text = self._texts.text(node, "address")
        if text is None:
            return None
        try:
            address = Address.parse(text)
        except AddressError:
            address = None
        if address is None or not self._is_known(address):
            message = f"no resource or field can have the address {shown(text)}"
            hint = "use an address shown by `reconciler plan`, with the field after it if only that is meant"
            meant = address and self._layout.closest_address(address, self._is_known)
            if meant:
                hint = did_you_mean(text, str(meant))
            self._findings.error("malformed-address", message, node.place, hint)
            return None
        return address

    def _is_known(self, address: Address) -> bool:
        for length in range(len(address.parts), 0, -1):
            kind = self._layout.kind_at(address.parts[:length])
            if kind is not None:
                path = ".".join(address.parts[length:])
                return not path or path in self._layout.layouts[kind.name].by_path
        return False
