"""Bounds of approvals: `at_most`, the counts up to which an approval holds.

Takes the mapping of a configuration; returns the bounds, and reports problems.
"""

from __future__ import annotations

from reconciler.address import Address
from reconciler.config.findings import Findings, shown, with_article
from reconciler.config.layout import Layout
from reconciler.config.nodes import KeyValue, MapNode
from reconciler.config.text_resolver import TextResolver

_MOST = 10**9


class BoundsReader:
    """Reads the bounds of approvals.

    Args:
        layout: The kinds and their counts.
        findings: Collects the problems.
        texts: Resolves scalars.
    """

    def __init__(self, layout: Layout, findings: Findings, texts: TextResolver) -> None:
        self._layout = layout
        self._findings = findings
        self._texts = texts

    def read(self, address: Address, action: str, pair: KeyValue | None) -> tuple[tuple[str, int], ...] | None:
        """Return the counts up to which an approval holds; None if they are invalid, which has been reported."""
        if pair is None:
            return ()
        kind = self._layout.kind_at(address.parts)
        names = tuple(count.name for count in kind.counts) if kind is not None and action != "update" else ()
        if not names:
            what = "an update" if action == "update" else with_article(kind.noun if kind is not None else "resource")
            message = f"at_most does not apply to {what}: nothing is counted for it"
            self._findings.error("unknown-key", message, pair.key.place, "remove the line")
            return None
        if not isinstance(pair.value, MapNode) or not pair.value.by_key:
            hint = f"write at_most: {{{names[0]}: 0}}"
            self._findings.error("wrong-type", "at_most must be a mapping of counts", pair.value.place, hint)
            return None
        bounds = []
        for name, inner in pair.value.by_key.items():
            text = self._texts.text(inner.value, name)
            if name not in names:
                hint = self._findings.instead(name, names)
                self._findings.error("unknown-key", f"at_most has no count {shown(name)}", inner.key.place, hint)
            elif text is not None and not (text.isascii() and text.isdigit() and int(text) <= _MOST):
                message = f"{name} must be a number from 0 to {_MOST}, not {shown(text)}"
                self._findings.error("wrong-type", message, inner.value.place, "write a whole number")
            elif text is not None:
                bounds.append((name, int(text)))
        return tuple(sorted(bounds)) if len(bounds) == len(pair.value.by_key) else None
