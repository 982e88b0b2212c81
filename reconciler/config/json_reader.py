"""JSON fields: mappings and lists, or JSON text.

Takes the node of a field; stores its value in the draft.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from reconciler.config.draft_problems import DraftProblems, check_comment, with_via
from reconciler.config.drafts import Draft
from reconciler.config.findings import shown
from reconciler.config.interpolation import Interpolation
from reconciler.config.interpolation_syntax import unescape
from reconciler.config.lint import (
    json_number_remarks,
    number_remark,
)
from reconciler.config.model import Value
from reconciler.config.nodes import ListNode, MapNode, Node, ScalarNode, is_null
from reconciler.config.remarks import Remark
from reconciler.config.resolved_text import ResolvedText
from reconciler.config.text_resolver import TextResolver
from reconciler.config.value_parsers import (
    InvalidValueError,
    parse_json,
    parse_json_scalar,
)
from reconciler.errors import Place
from reconciler.json_text import Json, nests_deeper
from reconciler.kinds.fields import Field
from reconciler.kinds.markers import Length

_MOST_JSON_DEPTH = 60
_AS_SENT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Writes the very text that `wire` sends."""


class JsonReader:
    """Reads fields that are JSON.

    Args:
        problems: Reports the problems.
        texts: Resolves scalars.
        interpolation: Finds text that YAML cut.
    """

    def __init__(self, problems: DraftProblems, texts: TextResolver, interpolation: Interpolation) -> None:
        self._problems = problems
        self._texts = texts
        self._interpolation = interpolation

    def read(self, draft: Draft, field: Field, node: Node, place: Place) -> None:
        """Read one JSON field.

        Raises:
            NotReadError: The value is invalid.
            UnknownTextError: A part of it is not set.
        """
        if is_null(node):
            self._problems.fail_if_not_emptiable(draft, field, place)
            draft.values[field.path] = Value(None, place, field.path in draft.sensitive)
            return
        texts: list[ResolvedText] = []
        if isinstance(node, ScalarNode):
            text = self._texts.resolve(node, field)
            texts.append(text)
            content = self._valid(draft, node, lambda: parse_json(text.text)) if text.text else {}
            is_hidden = bool(text.secrets) or field.secret or field.path in draft.sensitive
            for remark in json_number_remarks(field.path, text.text, is_hidden=is_hidden):
                self._problems.warning(draft, remark, node.place)
        else:
            content = self._json(draft, field, node, texts)
        if nests_deeper(content, _MOST_JSON_DEPTH):
            message = f"{field.path} is nested more than {_MOST_JSON_DEPTH} deep"
            self._problems.fail(draft, Remark("too-deep", message, "reduce its nesting"), place)
        if not isinstance(content, dict):
            message = f"{field.path} must be a mapping"
            self._problems.fail(draft, Remark("wrong-type", message, "write keys with colons below it"), place)
        self._check_json_length(draft, field, content, place)
        secrets = tuple(sorted({name for text in texts for name in text.secrets}))
        if secrets:
            draft.forms = {**draft.forms, field.path: json.dumps([text.form or text.text for text in texts])}
        sensitive = bool(secrets) or field.secret or field.path in draft.sensitive
        vias = ", ".join(dict.fromkeys(text.via for text in texts if text.via))
        draft.values[field.path] = Value(content, with_via(place, vias), sensitive, secrets)

    def _json(self, draft: Draft, field: Field, node: Node, texts: list[ResolvedText]) -> Json:
        match node:
            case MapNode() if node.cleared is not None:
                return None
            case MapNode():
                return {
                    self._json_key(draft, field, pair.key): self._json(draft, field, pair.value, texts)
                    for pair in node.by_key.values()
                }
            case ListNode():
                return [self._json(draft, field, item, texts) for item in node.items]
            case _:
                text = self._texts.resolve(node, field)
                texts.append(text)
                content = None
                if not text.null:
                    content = self._valid(draft, node, lambda: parse_json_scalar(text.text, text.tag, bare=text.bare))
                self._check_json_spelling(draft, field, node, text, content)
                if isinstance(content, str):
                    check_comment(self._problems, self._interpolation.lines, draft, field, node, text)
                return content

    def _json_key(self, draft: Draft, field: Field, key: ScalarNode) -> str:
        """Return a key of JSON, which is never interpolated; ``$${`` in it means ``${``, as everywhere."""
        text, has_lookup = unescape(key.text)
        if has_lookup:
            message = f"{field.path}: the key {shown(key.text)} is not interpolated, as no key is"
            hint = f"write $${{ for a literal ${{, or write all of {field.path} as JSON text, which is interpolated"
            self._problems.fail(draft, Remark("interpolated-key", message, hint), key.place)
        return text

    def _check_json_spelling(
        self, draft: Draft, field: Field, node: ScalarNode, text: ResolvedText, content: Json
    ) -> None:
        """Warn about an unquoted scalar that JSON spells in another way."""
        is_bare = text.bare or (text.null and node.tag != "null")
        if not is_bare or text.tag:
            return
        is_hidden = bool(text.secrets) or field.path in draft.sensitive
        written = text.text if not text.null or text.via else node.text
        remark = number_remark(field.path, written, content, is_hidden=is_hidden)
        if remark is not None:
            place = text.literals[-1].place if text.via and text.literals else node.place
            self._problems.warning(draft, remark, place)

    def _valid(self, draft: Draft, node: ScalarNode, read: Callable[[], Json]) -> Json:
        try:
            return read()
        except InvalidValueError as error:
            self._problems.fail(draft, error.remark, node.place)

    def _check_json_length(self, draft: Draft, field: Field, content: Json, place: Place) -> None:
        limit = field.marker(Length)
        if limit is None:
            return
        size = len(_AS_SENT.encode(content).encode("utf-8", "surrogatepass"))
        if size > limit.most:
            message = f"{field.path} has {size} bytes as JSON, over its limit of {limit.most} bytes"
            hint = f"shorten it to {limit.most} bytes; a non-ASCII character takes two to four"
            self._problems.fail(draft, Remark("too-long", message, hint), place)
        if limit.doubtful and size > limit.doubtful:
            message = (
                f"{field.path} has {size} bytes as JSON; Twilio publishes no limit, and {limit.doubtful} is likely"
            )
            self._problems.warning(
                draft, Remark("doubtful-length", message, f"shorten it to {limit.doubtful} bytes to be safe"), place
            )
