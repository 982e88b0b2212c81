"""What is inside of a resource: fields typed by their kind, and the keys that all resources have.

Takes drafts; fills them, and tells every problem with its place. References stay text here, since what they refer to
may not have been read yet: `references` resolves them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from reconciler.config.drafts import Draft
from reconciler.config.files import text_items
from reconciler.config.findings import Findings, shown, with_article
from reconciler.config.interpolate import Interpolation, ResolvedText, unescaped
from reconciler.config.layout import FieldTree
from reconciler.config.lint import (
    blank_in_url,
    comment_remark,
    invisible_remark,
    json_number_remarks,
    name_remark,
    number_remark,
    placeholder_remark,
    secret_remark,
    text_ends_remark,
    url_remarks,
)
from reconciler.config.model import Lifecycle, Outside, Unknown, Value, Written
from reconciler.config.nodes import ListNode, MapEntry, MapNode, Node, ScalarNode, is_null
from reconciler.config.remarks import Remark
from reconciler.config.value_parsers import (
    InvalidValueError,
    boolean,
    is_sid,
    json_scalar,
    parsed_json,
    sid_error,
    typed,
    unknown_word,
)
from reconciler.errors import Place
from reconciler.json_text import Json, nests_deeper
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Length, Template, Vocabulary
from reconciler.kinds.relations import account_default_of
from reconciler.redaction import url_holds_secret
from reconciler.redaction.urls import declared_url, written_url

_HIDDEN = "its value"
"""What a message says instead of a value that may not be shown."""
_MOST_JSON_DEPTH = 60


class _NotReadError(Exception):
    """A value could not be read, which has been told."""


class _UnknownError(Exception):
    """A value cannot be told now, because something in the text is not set."""

    def __init__(self, text: ResolvedText) -> None:
        self.text = text
        self.reason = "; ".join(dict.fromkeys(item.message for item in text.missing))
        super().__init__(self.reason)


class ResourceReader:
    """Reads what is inside of resources.

    Args:
        findings: takes every problem.
        interpolation: makes text of scalars.
        allow_unset: whether what is not set is an unknown value and no error.
        secrets_later: whether the same holds for secrets alone, which only an apply needs.
        now: the moment, for what is valid for a time; None to say nothing of that.
    """

    def __init__(
        self,
        findings: Findings,
        interpolation: Interpolation,
        *,
        allow_unset: bool,
        now: datetime | None,
        secrets_later: bool = False,
    ) -> None:
        self._findings = findings
        self._interpolation = interpolation
        self._allow_unset = allow_unset
        self._secrets_later = secrets_later
        self._now = now

    def read(self, draft: Draft) -> None:
        """Fill a draft."""
        self._read_sensitive(draft)
        self._read_group(draft, draft.layout.field_tree, draft.entries, is_whole=True)
        if draft.kind.singleton:
            self._read_lifecycle(draft)
        else:
            self._read_common(draft)
            if not draft.is_template:
                self._default_natural_key(draft)
        if len(draft.values) > 1:
            draft.values = {path: draft.values[path] for path in draft.kind.by_path if path in draft.values}
        self._check_words(draft)
        if not draft.is_template:
            self._check_kind(draft)

    # --- texts ---

    def text(self, node: Node, name: str, draft: Draft | None = None) -> str | None:
        """One text of a key that is no field; None when it could not be read, which has been told."""
        try:
            if not isinstance(node, ScalarNode):
                self._findings.error("wrong-type", f"{name} must be a single value", node.place, "write it on one line")
                return None
            text = self._resolved(node, None)
        except (_NotReadError, _UnknownError):
            return None
        if text.null or not text.text:
            self._findings.error(
                "wrong-type", f"{name} has no value", node.place, "give it one, or take the line out",
                address=draft.problem_address if draft else "",
            )  # fmt: skip
            return None
        if (place := self._interpolation.place_before_comment(text, node)) is not None:
            remark = comment_remark(name)
            self._findings.warning(
                remark.code, remark.message, place, remark.hint, address=draft.problem_address if draft else ""
            )
        if text.secrets:
            hint = "a secret belongs into a field"
            self._findings.error("misplaced-secret", f"{name} cannot come from a secret", node.place, hint)
            return None
        return text.text

    def _resolved(self, scalar: ScalarNode, field: Field | None) -> ResolvedText:
        """What a scalar says; raises when that cannot be told."""
        text = self._interpolation.text(scalar)
        if text.missing:
            self._tell_missing(text, field)
        if text.failed:
            raise _NotReadError
        if text.placeholders:
            self._check_placeholders(text, field)
        return text

    def _check_placeholders(self, text: ResolvedText, field: Field | None) -> None:
        """Report `${NAME}` where Twilio does not fill it in; raises if it is in the files."""
        if field is not None and field.marker(Template) is not None:
            self._interpolation.allow_placeholders(text)
            return
        self._interpolation.report_placeholders(text.placeholders)
        if any(item.origin == "written" for item in text.placeholders):
            raise _NotReadError

    def _tell_missing(self, text: ResolvedText, field: Field | None) -> NoReturn:
        """Raise for a text of which something is not set; a field that may wait for its secret is unknown for now."""
        can_wait = field is not None and (self._secrets_later or field.secret or field.write_only)
        needed = [item for item in text.missing if not (self._allow_unset or (can_wait and item.is_secret))]
        for item in needed:
            self._findings.error(item.code, item.message, item.place, item.hint)
        if needed or text.failed:
            raise _NotReadError
        raise _UnknownError(text)

    # --- fields ---

    def _read_group(self, draft: Draft, group: FieldTree, entries: Mapping[str, MapEntry], *, is_whole: bool) -> None:
        for key, entry in entries.items():
            if (field := group.fields.get(key)) is not None:
                self._read_field(draft, field, entry)
            elif (block := group.blocks.get(key)) is not None:
                self._read_block(draft, key, block, entry)
            elif not is_whole or key not in draft.layout.keys:
                self._tell_unknown_key(draft, key, entry, draft.layout.keys if is_whole else group.keys)

    def _read_block(self, draft: Draft, key: str, block: FieldTree, entry: MapEntry) -> None:
        if isinstance(entry.value, MapNode):
            self._read_group(draft, block, entry.value.entries, is_whole=False)
        elif not is_null(entry.value):
            hint = f"write keys with colons below it, for instance {block.keys[0]}"
            self._findings.error(
                "wrong-type", f"{key} must be a mapping", entry.value.place, hint, address=draft.problem_address
            )

    def _tell_unknown_key(self, draft: Draft, key: str, entry: MapEntry, keys: tuple[str, ...]) -> None:
        what = with_article(draft.kind.noun)
        if draft.kind.singleton and key in {"sid", "absent", "renamed_from"}:
            message, hint = f"{key} cannot be said of {what}, which always exists", "take the line out"
        elif key == "prune":
            message, hint = f"nothing in {what} can be pruned", "take the line out"
        else:
            message, hint = f"{what} has no key {shown(key)}", self._findings.instead(key, keys)
        self._findings.error("unknown-key", message, entry.key.place, hint, address=draft.problem_address)

    def _read_field(self, draft: Draft, field: Field, entry: MapEntry) -> None:
        node = entry.value
        if isinstance(node, MapNode) and node.cleared is not None and field.shape is Shape.JSON:
            node = node.cleared
        place = entry.key.place if isinstance(node, MapNode) else node.place
        if (
            isinstance(node, ScalarNode)
            and node.is_null
            and not node.text
            and not node.tag
            and not field.why_not_clearable()
        ):
            hint = f"write {entry.key.text}: null to clear it, or take the line out to leave it as it is"
            self._warn(draft, Remark("empty-value", f"{field.path} has no value, which clears it", hint), place)
        if not isinstance(node, ScalarNode) and (field.secret or field.path in draft.sensitive):
            self._conceal_all(node)
        try:
            match field.shape:
                case Shape.SET:
                    self._read_set(draft, field, node)
                case Shape.JSON:
                    self._read_json(draft, field, node, place)
                case _:
                    self._read_scalar(draft, field, node)
        except _UnknownError as unknown:
            secrets = unknown.text.secrets
            sensitive = bool(secrets) or field.secret or field.path in draft.sensitive
            place = _with_via(place, unknown.text.via)
            written = unknown.text.form if isinstance(node, ScalarNode) else self._written(field, node)
            url = _shown_url(draft, field, unknown.text) if sensitive else ""
            draft.values[field.path] = Value(Unknown(unknown.reason, written), place, sensitive, secrets, shown=url)
            if secrets:
                draft.forms[field.path] = unknown.text.form
        except _NotReadError:
            draft.broken.add(field.path)
            return
        if _looks_up(node):
            draft.values[field.path] = replace(draft.values[field.path], written=self._outside(field, node))

    def _outside(self, field: Field, node: Node) -> Written:
        """How the files write what was read without a problem; see `Value.written`."""
        found: list[ResolvedText] = []
        written = self._outside_of(field, node, found)
        return written if any(text.written for text in found) and not any(text.is_lost for text in found) else None

    def _outside_of(self, field: Field, node: Node, found: list[ResolvedText]) -> Written:
        match node:
            case MapNode():
                return {
                    unescaped(key)[0]: self._outside_of(field, entry.value, found)
                    for key, entry in node.entries.items()
                }
            case ListNode():
                return [self._outside_of(field, item, found) for item in node.items]
            case _:
                text = self._interpolation.text(node)
                found.append(text)
                if text.written:
                    return Outside(text.written)
                if field.shape is not Shape.JSON or text.missing:
                    return text.text
                return None if text.null else json_scalar(text.text, text.tag, bare=text.bare)

    def _written(self, field: Field, node: Node) -> str:
        """A list or a mapping with what is known put in, and the rest by name."""
        written = self._by_name(node)
        if field.shape is Shape.SET and isinstance(written, list):
            written = sorted(written)
        return json.dumps(written, sort_keys=True, ensure_ascii=False)

    def _by_name(self, node: Node) -> Json:
        match node:
            case MapNode():
                return {key: self._by_name(entry.value) for key, entry in node.entries.items()}
            case ListNode():
                return [self._by_name(item) for item in node.items]
            case _:
                text = self._interpolation.text(node)
                return text.form or text.text

    def _read_scalar(self, draft: Draft, field: Field, node: Node) -> None:
        if not isinstance(node, ScalarNode):
            what = "a list" if isinstance(node, ListNode) else "a mapping"
            message = f"{field.path} must be a single value, not {what}"
            self._fail(draft, Remark("wrong-type", message, "write it on one line"), node.place)
        text = self._resolved(node, field)
        place = _place(node, text)
        sensitive = self._is_sensitive(draft, field, text)
        if sensitive:
            self._conceal_literals(node, text)
        if text.null or (not text.text and field.shape is not Shape.BOOL):
            self._keep(draft, field, self._cleared(draft, field, text, node.place), place, text, sensitive=sensitive)
            return
        if field.shape is Shape.REF:
            draft.references.append((field.path, text.text, node))
            self._keep(draft, field, text.text, place, text, sensitive=sensitive)
            return
        if field.shape is Shape.URL and (blank := blank_in_url(field.path, text.parts)) is not None:
            self._fail(draft, blank, node.place)
        try:
            told = _HIDDEN if sensitive else shown(text.text)
            content, remark = typed(field, text.text, told, self._findings.closest)
        except InvalidValueError as error:
            self._fail(draft, error.remark, node.place)
        if remark is not None:
            self._warn(draft, remark, node.place)
        if field.shape in {Shape.TEXT, Shape.URL}:
            self._check_comment(draft, field, node, text)
        for doubt in self._doubts(draft, field, text, sensitive=sensitive):
            self._warn(draft, doubt, node.place)
        self._keep(draft, field, content, place, text, sensitive=sensitive)

    def _check_comment(self, draft: Draft, field: Field, node: ScalarNode, text: ResolvedText) -> None:
        if (place := self._interpolation.place_before_comment(text, node)) is not None:
            self._warn(draft, comment_remark(field.path), place)

    def _doubts(self, draft: Draft, field: Field, text: ResolvedText, *, sensitive: bool) -> Iterator[Remark]:
        """What is valid and probably not meant in the text of a field."""
        if draft.absent or "absent" in draft.entries:
            return
        is_url, is_template = field.shape is Shape.URL, field.marker(Template) is not None
        if not is_url and field.shape is not Shape.TEXT:
            return
        if not is_template:
            is_name = not is_url and not field.secret
            yield from _given(
                placeholder_remark(field.path, text.text, is_url=is_url, is_hidden=sensitive, is_name=is_name)
            )
        if is_url:
            yield from _given(invisible_remark(field.path, text.text, text.parts, what="the URL"))
            yield from url_remarks(field.path, text.parts)
        elif field.secret:
            yield from _given(secret_remark(field.path, text.text))
        elif is_template:
            yield from _given(text_ends_remark(field.path, text.text))
        else:
            yield from _given(name_remark(field.path, text.text))

    def _keep(
        self, draft: Draft, field: Field, content: Content, place: Place, text: ResolvedText, *, sensitive: bool
    ) -> None:
        url = _shown_url(draft, field, text) if sensitive else ""
        draft.values[field.path] = Value(content, place, sensitive, text.secrets, shown=url)
        if text.secrets:
            draft.forms[field.path] = text.form
        if field.secret and content is not None and text.namespaces.isdisjoint({"secret", "file"}):
            hint = f"write ${{secret:NAME}} or ${{file:PATH}} for {field.path}"
            self._warn(
                draft, Remark("literal-secret", f"{field.path} stands in the files for all to read", hint), place
            )

    def _cleared(self, draft: Draft, field: Field, text: ResolvedText, place: Place) -> Content:
        """The content of a field that is set to null or to no text, if it can be."""
        why = field.why_not_clearable()
        if why:
            hint = "give it a value, or take the line out to leave it as it is"
            self._fail(draft, Remark("not-clearable", f"{field.path} cannot be cleared: {why}", hint), place)
        return None if text.null else ""

    def _is_sensitive(self, draft: Draft, field: Field, text: ResolvedText) -> bool:
        return (
            bool(text.secrets)
            or field.secret
            or field.path in draft.sensitive
            or (field.shape is Shape.URL and url_holds_secret(text.text))
        )

    def _conceal_literals(self, node: ScalarNode, text: ResolvedText) -> None:
        """A line that holds a sensitive literal is never shown, nor is that of a variable that went into it."""
        literals = [scalar for scalar in text.literals if not _is_only_lookup(scalar)]
        if not _is_only_lookup(node) and not (text.secrets and "${secret:" in node.text):
            literals.append(node)
        for scalar in literals:
            self._findings.conceal(scalar.origin.file, scalar.line, scalar.end_line)

    def _conceal_all(self, node: Node) -> None:
        match node:
            case MapNode():
                for entry in node.entries.values():
                    self._conceal_all(entry.value)
            case ListNode():
                for item in node.items:
                    self._conceal_all(item)
            case _ if not _is_only_lookup(node):
                self._findings.conceal(node.origin.file, node.line, node.end_line)
            case _:
                pass

    # --- sets ---

    def _read_set(self, draft: Draft, field: Field, node: Node) -> None:
        if is_null(node):
            self._fail_if_kept(draft, field, node.place)
            draft.values[field.path] = Value(None, node.place, field.path in draft.sensitive)
            return
        if not isinstance(node, ListNode):
            hint = "write a list with a - before each entry"
            if isinstance(node, ScalarNode) and node.text.isprintable() and len(node.text) <= 60 and node.text:
                hint = f"write a list: {field.path.rsplit('.', 1)[-1]}: [{node.text}]"
            self._fail(draft, Remark("wrong-type", f"{field.path} must be a list", hint), node.place)
        if not node.items:
            self._fail_if_kept(draft, field, node.place)
        words: dict[str, ScalarNode] = {}
        secrets: set[str] = set()
        forms: list[str] = []
        vias: dict[str, None] = {}
        failed = False
        for item in node.items:
            word = self._word(draft, field, item)
            if word is None or not isinstance(item, ScalarNode):
                failed = True
            elif word.text in words:
                told = _HIDDEN if word.secrets or field.path in draft.sensitive else shown(word.text)
                related = [(words[word.text].place, "it stands here first")]
                message = f"{field.path}: {told} stands twice in the list"
                self._findings.warning("duplicate-item", message, item.place, "take one out", related=related)
            else:
                words[word.text] = item
                secrets.update(word.secrets)
                forms.append(word.form or word.text)
                vias[word.via] = None
        if failed:
            raise _NotReadError
        draft.words[field.path] = words
        if secrets:
            draft.forms[field.path] = json.dumps(sorted(forms))
        sensitive = bool(secrets) or field.secret or field.path in draft.sensitive
        place = _with_via(node.place, ", ".join(via for via in vias if via))
        draft.values[field.path] = Value(tuple(sorted(words)), place, sensitive, tuple(sorted(secrets)))

    def _word(self, draft: Draft, field: Field, item: Node) -> ResolvedText | None:
        if not isinstance(item, ScalarNode):
            hint = "write each entry as one word"
            self._tell(draft, Remark("wrong-type", f"each entry of {field.path} must be text", hint), item.place)
            return None
        try:
            text = self._resolved(item, field)
        except _NotReadError:
            return None
        if text.null or not text.text:
            hint = "take it out, or put it in quotes"
            self._tell(draft, Remark("wrong-type", f"an entry of {field.path} is empty", hint), item.place)
            return None
        remark = name_remark(f"an entry of {field.path}", text.text)
        if remark is not None:
            self._warn(draft, remark, item.place)
        return text

    def _fail_if_kept(self, draft: Draft, field: Field, place: Place) -> None:
        why = field.why_not_clearable()
        if why:
            hint = "list at least one, or take the line out to leave it as it is"
            self._fail(draft, Remark("not-clearable", f"{field.path} cannot be empty: {why}", hint), place)

    def _check_words(self, draft: Draft) -> None:
        """Words that Twilio is not known to take, now that the type is known that may decide which."""
        for field in draft.kind.fields:
            if field.shape is not Shape.SET or field.path not in draft.values:
                continue
            value = draft.values[field.path]
            if not isinstance(value.content, tuple) or field.marker(Vocabulary) is None:
                continue
            kind = draft.values.get("type")
            of_type = kind.content if kind is not None and isinstance(kind.content, str) else ""
            for word in value.content:
                told = _HIDDEN if value.sensitive else shown(word)
                remark = unknown_word(field, word, told, of_type, self._findings.closest)
                if remark is not None:
                    written = draft.words.get(field.path, {}).get(word)
                    self._warn(draft, remark, value.place if written is None else written.place)

    # --- JSON ---

    def _read_json(self, draft: Draft, field: Field, node: Node, place: Place) -> None:
        if is_null(node):
            self._fail_if_kept(draft, field, place)
            draft.values[field.path] = Value(None, place, field.path in draft.sensitive)
            return
        texts: list[ResolvedText] = []
        if isinstance(node, ScalarNode):
            text = self._resolved(node, field)
            texts.append(text)
            content = self._unfit_told(draft, node.place, lambda: parsed_json(text.text)) if text.text else {}
            is_hidden = bool(text.secrets) or field.secret or field.path in draft.sensitive
            for remark in json_number_remarks(field.path, text.text, is_hidden=is_hidden):
                self._warn(draft, remark, node.place)
        else:
            content = self._json(draft, field, node, texts)
        if nests_deeper(content, _MOST_JSON_DEPTH):
            message = f"{field.path} is nested more than {_MOST_JSON_DEPTH} deep"
            self._fail(draft, Remark("too-deep", message, "make it flatter"), place)
        if not isinstance(content, dict):
            message = f"{field.path} must be a mapping"
            self._fail(draft, Remark("wrong-type", message, "write keys with colons below it"), place)
        self._check_json_length(draft, field, content, place)
        secrets = tuple(sorted({name for text in texts for name in text.secrets}))
        if secrets:
            draft.forms[field.path] = json.dumps([text.form or text.text for text in texts])
        sensitive = bool(secrets) or field.secret or field.path in draft.sensitive
        vias = ", ".join(dict.fromkeys(text.via for text in texts if text.via))
        draft.values[field.path] = Value(content, _with_via(place, vias), sensitive, secrets)

    def _json(self, draft: Draft, field: Field, node: Node, texts: list[ResolvedText]) -> Json:
        match node:
            case MapNode():
                return {
                    self._json_key(draft, field, entry.key): self._json(draft, field, entry.value, texts)
                    for entry in node.entries.values()
                }
            case ListNode():
                return [self._json(draft, field, item, texts) for item in node.items]
            case _:
                text = self._resolved(node, field)
                texts.append(text)
                content = None
                if not text.null:
                    content = self._unfit_told(
                        draft, node.place, lambda: json_scalar(text.text, text.tag, bare=text.bare)
                    )
                self._check_json_spelling(draft, field, node, text, content)
                if isinstance(content, str):
                    self._check_comment(draft, field, node, text)
                return content

    def _json_key(self, draft: Draft, field: Field, key: ScalarNode) -> str:
        """A key of JSON, which is never interpolated; ``$${`` in it means ``${``, as everywhere."""
        text, has_lookup = unescaped(key.text)
        if has_lookup:
            message = f"{field.path}: the key {shown(key.text)} is not interpolated, as no key is"
            hint = f"write $${{ for a literal ${{, or write all of {field.path} as JSON text, which is interpolated"
            self._fail(draft, Remark("interpolated-key", message, hint), key.place)
        return text

    def _check_json_spelling(
        self, draft: Draft, field: Field, node: ScalarNode, text: ResolvedText, content: Json
    ) -> None:
        """Warn about a scalar without quotes whose JSON is spelled in another way."""
        is_bare = text.bare or (text.null and node.tag != "null")
        if not is_bare or text.tag:
            return
        is_hidden = bool(text.secrets) or field.path in draft.sensitive
        written = text.text if not text.null or text.via else node.text
        remark = number_remark(field.path, written, content, is_hidden=is_hidden)
        if remark is not None:
            place = text.literals[-1].place if text.via and text.literals else node.place
            self._warn(draft, remark, place)

    def _unfit_told(self, draft: Draft, place: Place, read: Callable[[], Json]) -> Json:
        try:
            return read()
        except InvalidValueError as error:
            self._fail(draft, error.remark, place)

    def _check_json_length(self, draft: Draft, field: Field, content: Json, place: Place) -> None:
        limit = field.marker(Length)
        if limit is None:
            return
        # The very text that `wire` sends.
        size = len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
        if size > limit.most:
            message = f"{field.path} has {size} bytes as JSON, over its limit of {limit.most} bytes"
            hint = f"shorten it to {limit.most} bytes; a character beyond ASCII takes two to four"
            self._fail(draft, Remark("too-long", message, hint), place)
        if limit.doubtful and size > limit.doubtful:
            message = (
                f"{field.path} has {size} bytes as JSON; Twilio publishes no limit, and {limit.doubtful} is likely"
            )
            self._warn(
                draft, Remark("doubtful-length", message, f"shorten it to {limit.doubtful} bytes to be safe"), place
            )

    # --- what every resource has ---

    def _read_common(self, draft: Draft) -> None:
        entries = draft.entries
        if (entry := entries.get("sid")) is not None:
            self._read_pin(draft, entry)
        if (entry := entries.get("absent")) is not None:
            draft.absent = self._flag(draft, entry.value, "absent")
        if (entry := entries.get("renamed_from")) is not None:
            text = self.text(entry.value, "renamed_from", draft)
            draft.renamed_from = text or ""
            draft.renamed_from_place = entry.value.place
        self._read_lifecycle(draft)
        if draft.absent and draft.lifecycle.prevent_destroy:
            self._tell(
                draft,
                Remark(
                    "absent-and-protected",
                    "absent says that it must not exist, and lifecycle.prevent_destroy that it must not go",
                    "take one of the two out",
                ),
                entries["absent"].value.place,
            )

    def _read_pin(self, draft: Draft, entry: MapEntry) -> None:
        text = self.text(entry.value, "sid", draft)
        if draft.is_template:
            message = "a template cannot be pinned: a SID belongs to one service"
            self._tell(draft, Remark("misplaced-pin", message, "write sid in the service"), entry.key.place)
        elif text is not None:
            can_be_default = account_default_of(draft.kind) is not None
            if (can_be_default and text == "default") or is_sid(text, draft.kind.sid_prefix):
                draft.pin, draft.pin_place = text, entry.value.place
            else:
                remark = sid_error("sid", draft.kind.sid_prefix, text, shown(text)).remark
                if text == "default":
                    remark = Remark("wrong-sid", "sid: default is for services only", f"write {draft.kind.sid_prefix}…")
                self._tell(draft, remark, entry.value.place)

    def _flag(self, draft: Draft, node: Node, name: str) -> bool:
        text = self.text(node, name, draft)
        if text is None:
            return False
        found = boolean(text)
        if found is None:
            self._tell(draft, Remark("wrong-type", f"{name} must be true or false, not {shown(text)}"), node.place)
        return found or False

    def _read_lifecycle(self, draft: Draft) -> None:
        entry = draft.entries.get("lifecycle")
        if entry is None or is_null(entry.value):
            return
        if not isinstance(entry.value, MapNode):
            hint = "write for instance lifecycle: {ignore_changes: [FIELD]}"
            self._tell(draft, Remark("wrong-type", "lifecycle must be a mapping", hint), entry.value.place)
            return
        known = ("ignore_changes",) if draft.kind.singleton else ("prevent_destroy", "prevent_create", "ignore_changes")
        lifecycle = Lifecycle()
        for key, inner in entry.value.entries.items():
            if key not in known:
                always = key in {"prevent_destroy", "prevent_create"}
                message = (
                    f"{key} cannot be said of what always exists" if always else f"lifecycle has no key {shown(key)}"
                )
                self._tell(draft, Remark("unknown-key", message, self._findings.instead(key, known)), inner.key.place)
            elif key == "ignore_changes":
                lifecycle = replace(lifecycle, ignore_changes=self._paths(draft, inner.value, key))
            elif key == "prevent_destroy":
                lifecycle = replace(lifecycle, prevent_destroy=self._flag(draft, inner.value, key))
            else:
                lifecycle = replace(lifecycle, prevent_create=self._flag(draft, inner.value, key))
        draft.lifecycle = lifecycle

    def _read_sensitive(self, draft: Draft) -> None:
        entry = draft.entries.get("sensitive")
        if entry is not None:
            draft.sensitive = self._paths(draft, entry.value, "sensitive")

    def _paths(self, draft: Draft, node: Node, name: str) -> frozenset[str]:
        """Field paths; that of a block stands for all fields inside."""
        by_path = draft.layout.by_path
        found: set[str] = set()
        for item in text_items(node, name, self._findings):
            text = self.text(item, name, draft)
            if text is None:
                continue
            if text in by_path:
                found.update(by_path[text])
            else:
                what = with_article(draft.kind.noun)
                hint = self._findings.instead(text, by_path.keys())
                self._tell(draft, Remark("unknown-field", f"{what} has no field {shown(text)}", hint), item.place)
        return frozenset(found)

    def _default_natural_key(self, draft: Draft) -> None:
        """The handle is the natural key where the files do not write one and no pin takes its place."""
        path = draft.kind.natural_key
        if not path or path in draft.values or path in draft.broken or draft.pin is not None:
            # References and addresses have to repeat a handle, also one that names nothing in the account.
            if not draft.kind.singleton and (remark := invisible_remark("the handle", draft.handle, what="it")):
                self._warn(draft, remark, draft.key.place)
            return
        field = draft.kind.by_path[path]
        try:
            content, remark = typed(field, draft.handle, shown(draft.handle), self._findings.closest)
        except InvalidValueError as error:
            self._tell(draft, error.remark, draft.key.place)
            return
        doubt = None if draft.absent or field.shape is not Shape.TEXT else name_remark(path, draft.handle)
        for item in (remark, doubt):
            if item is not None:
                self._warn(draft, item, draft.key.place)
        draft.values[path] = Value(content, draft.key.place, path in draft.sensitive)

    def _check_kind(self, draft: Draft) -> None:
        """What only the kind can know; what could not be read or is unknown takes no part."""
        contents = {
            path: value.content for path, value in draft.values.items() if not isinstance(value.content, Unknown)
        }
        # Nothing is sent of what must not exist.
        inside = () if draft.absent else draft.kind.inspect(contents, self._now)
        for fault in (*draft.kind.check(contents), *inside):
            value = draft.values.get(fault.path)
            place = value.place if value is not None else draft.key.place
            tell = self._tell if fault.severity == "error" else self._warn
            tell(draft, Remark(fault.code, fault.message, fault.hint), place)
        draft.derived = {
            path: content
            for path, content in draft.kind.derive(contents).items()
            if path not in draft.values and path not in draft.broken
        }
        self._check_creation(draft)

    def _check_creation(self, draft: Draft) -> None:
        """Report what keeps a resource from being created.

        A declaration may leave out what a live resource has, so this is a warning. Without a natural key, however, no
        live resource is ever found. Write-only fields are left out on purpose once the resource exists.
        """
        if draft.is_absent or draft.pin is not None or draft.lifecycle.prevent_create or draft.broken:
            return
        contents: dict[str, object] = {field.path: True for field in draft.kind.fields if field.write_only}
        contents |= {**draft.derived, **{path: value.content for path, value in draft.values.items()}}
        is_lost = draft.kind.compose_key is not None and not draft.kind.name_of(contents)
        for fault in draft.kind.check_create(contents):
            value = draft.values.get(fault.path)
            place = value.place if value is not None else draft.key.place
            if is_lost and not fault.path:
                self._tell(draft, Remark("incomplete-resource", fault.message, fault.hint), place)
            else:
                hint = f"{fault.hint}; only an existing resource can do without"
                self._warn(draft, Remark("incomplete-resource", fault.message, hint), place)

    # --- problems ---

    def _tell(self, draft: Draft, remark: Remark, place: Place) -> None:
        self._findings.error(remark.code, remark.message, place, remark.hint, address=draft.problem_address)

    def _warn(self, draft: Draft, remark: Remark, place: Place) -> None:
        self._findings.warning(remark.code, remark.message, place, remark.hint, address=draft.problem_address)

    def _fail(self, draft: Draft, remark: Remark, place: Place) -> NoReturn:
        self._tell(draft, remark, place)
        raise _NotReadError


def _given(remark: Remark | None) -> Iterator[Remark]:
    if remark is not None:
        yield remark


def _is_left_empty(node: Node) -> bool:
    """Whether nothing is written for a value, which is null all the same; its lines may be commented out."""
    return isinstance(node, ScalarNode) and node.is_null and not node.text and not node.tag


def _looks_up(node: Node) -> bool:
    """Whether anything may be looked up in what is written."""
    match node:
        case MapNode():
            return any(_looks_up(entry.value) for entry in node.entries.values())
        case ListNode():
            return any(map(_looks_up, node.items))
        case _:
            return "${" in node.text


def _place(node: ScalarNode, text: ResolvedText) -> Place:
    return _with_via(node.place, text.via) if text.via else node.place


def _shown_url(draft: Draft, field: Field, text: ResolvedText) -> str:
    """A sensitive URL with its secret parts masked; empty for other fields, and where the whole is to be hidden."""
    if field.shape is not Shape.URL or field.path in draft.sensitive:
        return ""
    if text.missing:
        return written_url(text.form)
    if not text.parts and text.secrets:
        return ""  # too long to be told apart
    return declared_url([(part.text, part.is_secret) for part in text.parts] or [(text.text, False)])


def _with_via(place: Place, via: str) -> Place:
    if not via:
        return place
    return replace(place, via=f"{place.via}, {via}" if place.via else via)


def _is_only_lookup(scalar: ScalarNode) -> bool:
    """Whether nothing literal stands in a scalar."""
    text = scalar.text
    return text.startswith("${") and text.endswith("}") and text.count("${") == 1 and ":-" not in text
