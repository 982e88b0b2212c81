"""Fields: the value of each, typed by its kind, with its place, secrets, and form.

Takes the key and value of a field; stores its value in the draft. References stay text; `references` resolves them once
all resources are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.config.draft_problems import DraftProblems, NotReadError, check_comment, hidden, with_via
from reconciler.config.drafts import Draft
from reconciler.config.findings import shown
from reconciler.config.interpolation import Interpolation
from reconciler.config.json_reader import JsonReader
from reconciler.config.lint import (
    blank_in_url,
    host_remark,
    invisible_remark,
    name_remark,
    placeholder_remark,
    secret_remark,
    text_ends_remark,
    url_remarks,
)
from reconciler.config.model import Unknown, Value
from reconciler.config.nodes import KeyValue, ListNode, MapNode, Node, ScalarNode
from reconciler.config.remarks import Remark
from reconciler.config.resolved_text import ResolvedText
from reconciler.config.set_reader import SetReader
from reconciler.config.text_resolver import TextResolver, UnknownTextError
from reconciler.config.value_parsers import (
    InvalidValueError,
    parse_value,
)
from reconciler.config.written_forms import WrittenForms
from reconciler.errors import Place
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Template
from reconciler.redaction import url_holds_secret
from reconciler.redaction.urls import declared_url, written_url

# Python 3.11 takes ten times as long to look up a member of an enumeration as a name.
_BOOL, _JSON, _REF, _SET, _TEXT, _URL = Shape.BOOL, Shape.JSON, Shape.REF, Shape.SET, Shape.TEXT, Shape.URL


class FieldReader:
    """Reads fields.

    Args:
        problems: Reports the problems.
        texts: Resolves scalars.
        interpolation: Resolves scalars for their forms.
    """

    def __init__(self, problems: DraftProblems, texts: TextResolver, interpolation: Interpolation) -> None:
        self._problems = problems
        self._texts = texts
        self._interpolation = interpolation
        self._forms = WrittenForms(interpolation)
        self._sets = SetReader(problems, texts)
        self._json = JsonReader(problems, texts, interpolation)

    def check_words(self, draft: Draft) -> None:
        """Report unknown words in sets. The type may decide which are known, so this comes last."""
        self._sets.check_words(draft)

    def read(self, draft: Draft, field: Field, pair: KeyValue) -> None:
        """Read one field."""
        node = pair.value
        if isinstance(node, MapNode) and node.cleared is not None and field.shape is _JSON:
            node = node.cleared
        if isinstance(node, ScalarNode):
            if not node.text and _is_left_empty(node) and not field.why_not_clearable():
                hint = f"write {pair.key.text}: null to clear it, or remove the line to leave the field unmanaged"
                self._problems.warning(
                    draft, Remark("empty-value", f"{field.path} has no value, which clears it", hint), node.place
                )
        elif field.secret or field.path in draft.sensitive:
            self._conceal_all(node)
        try:
            if field.shape is _SET:
                self._sets.read(draft, field, node)
            elif field.shape is _JSON:
                self._json.read(draft, field, node, _written_at(pair.key, node))
            else:
                self._read_scalar(draft, field, node)
        except UnknownTextError as unknown:
            secrets = unknown.text.secrets
            sensitive = bool(secrets) or field.secret or field.path in draft.sensitive
            place = with_via(_written_at(pair.key, node), unknown.text.via)
            written = unknown.text.form if isinstance(node, ScalarNode) else self._forms.by_name(field, node)
            url = _shown_url(draft, field, unknown.text) if sensitive else ""
            draft.values[field.path] = Value(Unknown(unknown.reason, written), place, sensitive, secrets, shown=url)
            if secrets:
                draft.forms = {**draft.forms, field.path: unknown.text.form}
        except NotReadError:
            draft.broken |= {field.path}
            return
        if _looks_up(node):
            draft.values[field.path] = replace(draft.values[field.path], written=self._forms.outside(field, node))

    def _read_scalar(self, draft: Draft, field: Field, node: Node) -> None:
        if not isinstance(node, ScalarNode):
            what = "a list" if isinstance(node, ListNode) else "a mapping"
            message = f"{field.path} must be a single value, not {what}"
            self._problems.fail(draft, Remark("wrong-type", message, "write it on one line"), node.place)
        text = self._texts.resolve(node, field)
        place = _place(node, text)
        sensitive = self._is_sensitive(draft, field, text)
        if sensitive:
            self._conceal_literals(node, text)
        if text.null or (not text.text and field.shape is not _BOOL):
            self._keep(draft, field, self._cleared(draft, field, text, node.place), place, text, sensitive=sensitive)
            return
        if field.shape is _REF:
            draft.references += ((field.path, text.text, node),)
            self._keep(draft, field, text.text, place, text, sensitive=sensitive)
            return
        if field.shape is _URL and (blank := blank_in_url(field.path, text.parts)) is not None:
            self._problems.fail(draft, blank, node.place)
        try:
            show = hidden if sensitive else shown
            content, remark = parse_value(field, text.text, show, self._problems.findings.closest)
        except InvalidValueError as error:
            self._problems.fail(draft, error.remark, node.place)
        if remark is not None:
            self._problems.warning(draft, remark, node.place)
        if field.shape is _TEXT or field.shape is _URL:
            check_comment(self._problems, self._interpolation.lines, draft, field, node, text)
            for doubt in self._doubts(draft, field, text, sensitive=sensitive):
                self._problems.warning(draft, doubt, node.place)
        self._keep(draft, field, content, place, text, sensitive=sensitive)

    def _doubts(self, draft: Draft, field: Field, text: ResolvedText, *, sensitive: bool) -> Iterator[Remark]:
        """Yield remarks on texts and URLs that are valid but probably not intended."""
        if draft.absent or "absent" in draft.by_key:
            return
        is_url, is_template = field.shape is _URL, field.marker(Template) is not None
        if not is_template:
            is_name = not is_url and not field.secret
            yield from _given(
                placeholder_remark(field.path, text.text, is_url=is_url, is_hidden=sensitive, is_name=is_name)
            )
        if is_url:
            invisible = invisible_remark(field.path, text.text, text.parts, what="the URL")
            yield from _given(invisible)
            yield from url_remarks(field.path, text.parts)
            if invisible is None and not text.secrets and field.path not in draft.sensitive:
                yield from _given(host_remark(field.path, text.text))
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
            draft.forms = {**draft.forms, field.path: text.form}
        if field.secret and content is not None and text.namespaces.isdisjoint({"secret", "file"}):
            hint = f"write ${{secret:NAME}} or ${{file:PATH}} for {field.path}"
            self._problems.warning(
                draft, Remark("literal-secret", f"{field.path} is in plain text in the configuration", hint), place
            )

    def _cleared(self, draft: Draft, field: Field, text: ResolvedText, place: Place) -> Content:
        """Return the content of a field that is set to null or to empty text, if it can be cleared."""
        why = field.why_not_clearable()
        if why:
            hint = "give it a value, or remove the line to leave the field unmanaged"
            self._problems.fail(draft, Remark("not-clearable", f"{field.path} cannot be cleared: {why}", hint), place)
        return None if text.null else ""

    def _is_sensitive(self, draft: Draft, field: Field, text: ResolvedText) -> bool:
        return (
            bool(text.secrets)
            or field.secret
            or field.path in draft.sensitive
            or (field.shape is _URL and url_holds_secret(text.text))
        )

    def _conceal_literals(self, node: ScalarNode, text: ResolvedText) -> None:
        """Hide the line of a sensitive literal, and those of variables that it contains."""
        literals = [scalar for scalar in text.literals if not _is_only_lookup(scalar)]
        if not _is_only_lookup(node) and not (text.secrets and "${secret:" in node.text):
            literals.append(node)
        for scalar in literals:
            self._problems.findings.conceal(scalar.origin.file, scalar.line, scalar.end_line)

    def _conceal_all(self, node: Node) -> None:
        match node:
            case MapNode():
                for pair in node.by_key.values():
                    self._conceal_all(pair.value)
            case ListNode():
                for item in node.items:
                    self._conceal_all(item)
            case _ if not _is_only_lookup(node):
                self._problems.findings.conceal(node.origin.file, node.line, node.end_line)
            case _:
                pass


def _given(remark: Remark | None) -> Iterator[Remark]:
    if remark is not None:
        yield remark


def _is_left_empty(node: Node) -> bool:
    """Whether a value is empty, and so null; its lines may be commented out."""
    return isinstance(node, ScalarNode) and node.is_null and not node.text and not node.tag


def _looks_up(node: Node) -> bool:
    """Whether a value may contain lookups."""
    match node:
        case MapNode():
            return any(_looks_up(pair.value) for pair in node.by_key.values())
        case ListNode():
            return any(map(_looks_up, node.items))
        case _:
            return "${" in node.text


def _written_at(key: ScalarNode, node: Node) -> Place:
    return key.place if isinstance(node, MapNode) else node.place


def _place(node: ScalarNode, text: ResolvedText) -> Place:
    return with_via(node.place, text.via) if text.via else node.place


def _shown_url(draft: Draft, field: Field, text: ResolvedText) -> str:
    """Return a sensitive URL with its secret parts masked; empty for other fields, and if all of it is hidden."""
    if field.shape is not _URL or field.path in draft.sensitive:
        return ""
    if text.missing:
        return written_url(text.form)
    if not text.parts and text.secrets:
        return ""  # too long to be shown in part
    return declared_url([(part.text, part.is_secret) for part in text.parts] or [(text.text, False)])


def _is_only_lookup(scalar: ScalarNode) -> bool:
    """Whether a scalar has no literal part."""
    text = scalar.text
    return text.startswith("${") and text.endswith("}") and text.count("${") == 1 and ":-" not in text
