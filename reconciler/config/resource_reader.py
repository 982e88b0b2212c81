"""Resources: their fields and meta-arguments, and the checks of their kinds.

Takes drafts; fills them in, and reports every problem with its place. References stay text; `references` resolves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reconciler.config.draft_problems import DraftProblems
from reconciler.config.drafts import Draft
from reconciler.config.field_reader import FieldReader
from reconciler.config.findings import Findings, shown, with_article
from reconciler.config.interpolation import Interpolation
from reconciler.config.layout import FieldTree
from reconciler.config.lint import (
    invisible_remark,
    name_remark,
)
from reconciler.config.meta_arguments import MetaArgumentReader
from reconciler.config.model import Unknown, Value
from reconciler.config.nodes import KeyValue, MapNode, is_null
from reconciler.config.remarks import Remark
from reconciler.config.text_resolver import TextResolver
from reconciler.config.value_parsers import (
    InvalidValueError,
    parse_value,
)
from reconciler.kinds.fields import Shape
from reconciler.kinds.hooks import no_faults


class ResourceReader:
    """Reads resources.

    Args:
        findings: Collects the problems.
        interpolation: Resolves scalars.
        texts: Resolves the texts of fields and keys.
        now: The current time, for values that expire; None to skip these checks.
    """

    def __init__(
        self, findings: Findings, interpolation: Interpolation, texts: TextResolver, *, now: datetime | None
    ) -> None:
        self._problems = DraftProblems(findings)
        self._fields = FieldReader(self._problems, texts, interpolation)
        self._meta_arguments = MetaArgumentReader(self._problems, texts)
        self._now = now

    def read(self, draft: Draft) -> None:
        """Read the fields and meta-arguments of a draft."""
        self._meta_arguments.read_sensitive(draft)
        self._read_fields(draft, draft.layout.field_tree, draft.by_key, is_whole=True)
        if draft.kind.singleton:
            self._meta_arguments.read_lifecycle(draft)
        else:
            self._meta_arguments.read(draft)
            if not draft.is_template:
                self._default_natural_key(draft)
        if len(draft.values) > 1:
            draft.values = {path: draft.values[path] for path in draft.kind.by_path if path in draft.values}
        self._fields.check_words(draft)
        if not draft.is_template:
            self._check_kind(draft)

    def _read_fields(self, draft: Draft, tree: FieldTree, by_key: Mapping[str, KeyValue], *, is_whole: bool) -> None:
        for key, pair in by_key.items():
            if (field := tree.fields.get(key)) is not None:
                self._fields.read(draft, field, pair)
            elif (block := tree.blocks.get(key)) is not None:
                self._read_block(draft, key, block, pair)
            elif not is_whole or key not in draft.layout.keys:
                self._report_unknown_key(draft, key, pair, draft.layout.keys if is_whole else tree.keys)

    def _read_block(self, draft: Draft, key: str, block: FieldTree, pair: KeyValue) -> None:
        if isinstance(pair.value, MapNode):
            self._read_fields(draft, block, pair.value.by_key, is_whole=False)
        elif not is_null(pair.value):
            hint = f"write keys with colons below it, for instance {block.keys[0]}"
            self._problems.findings.error(
                "wrong-type", f"{key} must be a mapping", pair.value.place, hint, address=draft.problem_address
            )

    def _report_unknown_key(self, draft: Draft, key: str, pair: KeyValue, keys: tuple[str, ...]) -> None:
        what = with_article(draft.kind.noun)
        if draft.kind.singleton and key in {"sid", "absent", "renamed_from"}:
            message, hint = f"{key} does not apply to {what}, which always exists", "remove the line"
        elif key == "prune":
            message, hint = f"nothing in {what} can be pruned", "remove the line"
        else:
            message, hint = f"{what} has no key {shown(key)}", self._problems.findings.instead(key, keys)
        self._problems.findings.error("unknown-key", message, pair.key.place, hint, address=draft.problem_address)

    def _default_natural_key(self, draft: Draft) -> None:
        """Use the handle as the natural key, unless the key is written or the resource is pinned."""
        path = draft.kind.natural_key
        if not path or path in draft.values or path in draft.broken or draft.pin is not None:
            # References and addresses have to repeat a handle, even one that is not a name in the account.
            if not draft.kind.singleton and (remark := invisible_remark("the handle", draft.handle, what="it")):
                self._problems.warning(draft, remark, draft.key.place)
            return
        field = draft.kind.by_path[path]
        try:
            content, remark = parse_value(field, draft.handle, shown, self._problems.findings.closest)
        except InvalidValueError as error:
            self._problems.error(draft, error.remark, draft.key.place)
            return
        doubt = None if draft.absent or field.shape is not Shape.TEXT else name_remark(path, draft.handle)
        for item in (remark, doubt):
            if item is not None:
                self._problems.warning(draft, item, draft.key.place)
        draft.values[path] = Value(content, draft.key.place, path in draft.sensitive)

    def _check_kind(self, draft: Draft) -> None:
        """Run the checks of the kind on the known values."""
        contents = {
            path: value.content for path, value in draft.values.items() if not isinstance(value.content, Unknown)
        }
        # An absent resource sends no values.
        inside = () if draft.absent else draft.kind.inspect(contents, self._now)
        for fault in (*draft.kind.check(contents), *inside):
            value = draft.values.get(fault.path)
            place = value.place if value is not None else draft.key.place
            report = self._problems.error if fault.severity == "error" else self._problems.warning
            report(draft, Remark(fault.code, fault.message, fault.hint), place)
        if derived := draft.kind.derive(contents):
            draft.derived = {
                path: content
                for path, content in derived.items()
                if path not in draft.values and path not in draft.broken
            }
        self._check_creation(draft)

    def _check_creation(self, draft: Draft) -> None:
        """Report what prevents a resource from being created.

        A declaration may leave out what a live resource has, so this is a warning. Without a natural key, however, no
        live resource is ever found. Write-only fields are left out on purpose once the resource exists.
        """
        if draft.kind.check_create is no_faults:
            return
        if draft.is_absent or draft.pin is not None or draft.lifecycle.prevent_create or draft.broken:
            return
        contents: dict[str, object] = {field.path: True for field in draft.kind.fields if field.write_only}
        contents |= {**draft.derived, **{path: value.content for path, value in draft.values.items()}}
        is_lost = draft.kind.compose_key is not None and not draft.kind.name_of(contents)
        for fault in draft.kind.check_create(contents):
            value = draft.values.get(fault.path)
            place = value.place if value is not None else draft.key.place
            if is_lost and not fault.path:
                self._problems.error(draft, Remark("incomplete-resource", fault.message, fault.hint), place)
            else:
                hint = f"{fault.hint}; only an existing resource can omit it"
                self._problems.warning(draft, Remark("incomplete-resource", fault.message, hint), place)
