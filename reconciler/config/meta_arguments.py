"""Meta-arguments: `sid`, `absent`, `renamed_from`, `sealed`, `lifecycle`, and `sensitive`.

Takes drafts; sets the keys that apply to a resource as a whole.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.config.draft_problems import DraftProblems
from reconciler.config.drafts import Draft
from reconciler.config.files import text_items
from reconciler.config.findings import shown, with_article
from reconciler.config.model import Lifecycle
from reconciler.config.nodes import KeyValue, MapNode, Node, is_null
from reconciler.config.remarks import Remark
from reconciler.config.text_resolver import TextResolver
from reconciler.config.value_parsers import (
    is_sid,
    parse_boolean,
    sid_error,
)
from reconciler.kinds.relations import account_default_of


class MetaArgumentReader:
    """Reads meta-arguments.

    Args:
        problems: Reports the problems.
        texts: Resolves scalars.
    """

    def __init__(self, problems: DraftProblems, texts: TextResolver) -> None:
        self._problems = problems
        self._texts = texts

    def read(self, draft: Draft) -> None:
        """Read all meta-arguments of a resource that is not a singleton, except `sensitive`."""
        by_key = draft.by_key
        if (pair := by_key.get("sid")) is not None:
            self._read_pin(draft, pair)
        if (pair := by_key.get("absent")) is not None:
            draft.absent = self._flag(draft, pair.value, "absent")
        if (pair := by_key.get("renamed_from")) is not None:
            text = self._texts.text(pair.value, "renamed_from", draft)
            draft.renamed_from = text or ""
            draft.renamed_from_place = pair.value.place
        if (pair := by_key.get("sealed")) is not None and draft.layout.settings:
            draft.sealed = pair.key if self._flag(draft, pair.value, "sealed") else None
        self.read_lifecycle(draft)
        if draft.absent and draft.lifecycle.prevent_destroy:
            self._problems.error(
                draft,
                Remark(
                    "absent-and-protected",
                    "absent: true deletes the resource, but lifecycle.prevent_destroy prevents that",
                    "remove one of the two",
                ),
                by_key["absent"].value.place,
            )

    def read_sensitive(self, draft: Draft) -> None:
        """Read `sensitive`, which every field read afterwards depends on."""
        pair = draft.by_key.get("sensitive")
        if pair is not None:
            draft.sensitive = self._paths(draft, pair.value, "sensitive")

    def read_lifecycle(self, draft: Draft) -> None:
        """Read `lifecycle`; of singletons, it has only `ignore_changes`."""
        pair = draft.by_key.get("lifecycle")
        if pair is None or is_null(pair.value):
            return
        if not isinstance(pair.value, MapNode):
            hint = "write, for example, lifecycle: {ignore_changes: [FIELD]}"
            self._problems.error(draft, Remark("wrong-type", "lifecycle must be a mapping", hint), pair.value.place)
            return
        known = ("ignore_changes",) if draft.kind.singleton else ("prevent_destroy", "prevent_create", "ignore_changes")
        lifecycle = Lifecycle()
        for key, inner in pair.value.by_key.items():
            if key not in known:
                always = key in {"prevent_destroy", "prevent_create"}
                message = f"{key} does not apply to singletons" if always else f"lifecycle has no key {shown(key)}"
                self._problems.error(
                    draft, Remark("unknown-key", message, self._problems.findings.instead(key, known)), inner.key.place
                )
            elif key == "ignore_changes":
                lifecycle = replace(lifecycle, ignore_changes=self._paths(draft, inner.value, key))
            elif key == "prevent_destroy":
                lifecycle = replace(lifecycle, prevent_destroy=self._flag(draft, inner.value, key))
            else:
                lifecycle = replace(lifecycle, prevent_create=self._flag(draft, inner.value, key))
        draft.lifecycle = lifecycle

    def _read_pin(self, draft: Draft, pair: KeyValue) -> None:
        text = self._texts.text(pair.value, "sid", draft)
        if draft.is_template:
            message = "a template cannot be pinned: a SID belongs to one service"
            self._problems.error(draft, Remark("misplaced-pin", message, "write `sid` in the service"), pair.key.place)
        elif text is not None:
            can_be_default = account_default_of(draft.kind) is not None
            if (can_be_default and text == "default") or is_sid(text, draft.kind.sid_prefix):
                draft.pin, draft.pin_place = text, pair.value.place
            else:
                remark = sid_error("sid", draft.kind.sid_prefix, text, shown(text)).remark
                if text == "default":
                    remark = Remark("wrong-sid", "sid: default is for services only", f"write {draft.kind.sid_prefix}…")
                self._problems.error(draft, remark, pair.value.place)

    def _flag(self, draft: Draft, node: Node, name: str) -> bool:
        text = self._texts.text(node, name, draft)
        if text is None:
            return False
        found = parse_boolean(text)
        if found is None:
            self._problems.error(
                draft, Remark("wrong-type", f"{name} must be true or false, not {shown(text)}"), node.place
            )
        return found or False

    def _paths(self, draft: Draft, node: Node, name: str) -> frozenset[str]:
        """Return field paths. The path of a block stands for all fields in it."""
        by_path = draft.layout.by_path
        found: set[str] = set()
        for item in text_items(node, name, self._problems.findings):
            text = self._texts.text(item, name, draft)
            if text is None:
                continue
            if text in by_path:
                found.update(by_path[text])
            else:
                what = with_article(draft.kind.noun)
                hint = self._problems.findings.instead(text, by_path.keys())
                self._problems.error(
                    draft, Remark("unknown-field", f"{what} has no field {shown(text)}", hint), item.place
                )
        return frozenset(found)
