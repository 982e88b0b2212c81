"""Sets: lists of words, and the words that Twilio is known to accept.

Takes the node of a set; stores its value in the draft.
"""

from __future__ import annotations

import json

from reconciler.config.draft_problems import HIDDEN_VALUE, DraftProblems, NotReadError, with_via
from reconciler.config.drafts import Draft
from reconciler.config.findings import shown
from reconciler.config.lint import (
    name_remark,
)
from reconciler.config.model import Value
from reconciler.config.nodes import ListNode, Node, ScalarNode, is_null
from reconciler.config.remarks import Remark
from reconciler.config.resolved_text import ResolvedText
from reconciler.config.text_resolver import TextResolver
from reconciler.config.value_parsers import (
    check_word,
)
from reconciler.kinds.comparable import word_set
from reconciler.kinds.fields import Field


class SetReader:
    """Reads fields that are sets.

    Args:
        problems: Reports the problems.
        texts: Resolves scalars.
    """

    def __init__(self, problems: DraftProblems, texts: TextResolver) -> None:
        self._problems = problems
        self._texts = texts

    def read(self, draft: Draft, field: Field, node: Node) -> None:
        """Read one set.

        Raises:
            NotReadError: The value is invalid.
            UnknownTextError: A word is not set.
        """
        if is_null(node):
            self._problems.fail_if_not_emptiable(draft, field, node.place)
            draft.values[field.path] = Value(None, node.place, field.path in draft.sensitive)
            return
        if not isinstance(node, ListNode):
            hint = "write a list with a - before each item"
            if isinstance(node, ScalarNode) and node.text.isprintable() and len(node.text) <= 60 and node.text:
                hint = f"write a list: {field.path.rsplit('.', 1)[-1]}: [{node.text}]"
            self._problems.fail(draft, Remark("wrong-type", f"{field.path} must be a list", hint), node.place)
        if not node.items:
            self._problems.fail_if_not_emptiable(draft, field, node.place)
        words: dict[str, ScalarNode] = {}
        texts: list[ResolvedText] = []
        failed = False
        for item in node.items:
            word = self._word(draft, field, item)
            if word is None or not isinstance(item, ScalarNode):
                failed = True
            elif word.text in words:
                word_shown = HIDDEN_VALUE if word.secrets or field.path in draft.sensitive else shown(word.text)
                related = [(words[word.text].place, "first occurrence")]
                message = f"{field.path}: {word_shown} occurs twice in the list"
                self._problems.findings.warning(
                    "duplicate-item", message, item.place, "remove one of them", related=related
                )
            else:
                words[word.text] = item
                texts.append(word)
        if failed:
            raise NotReadError
        draft.words = {**draft.words, field.path: words}
        secrets = {name for text in texts for name in text.secrets}
        if secrets:
            forms = sorted(text.form or text.text for text in texts)
            draft.forms = {**draft.forms, field.path: json.dumps(forms)}
        sensitive = bool(secrets) or field.secret or field.path in draft.sensitive
        place = with_via(node.place, ", ".join(dict.fromkeys(text.via for text in texts if text.via)))
        # `word_set` keeps words in memory, which no secret should stay in.
        content = tuple(sorted(words)) if sensitive else word_set(tuple(words))
        draft.values[field.path] = Value(content, place, sensitive, tuple(sorted(secrets)))

    def _word(self, draft: Draft, field: Field, item: Node) -> ResolvedText | None:
        if not isinstance(item, ScalarNode):
            hint = "write each item as one word"
            self._problems.error(
                draft, Remark("wrong-type", f"each item of {field.path} must be text", hint), item.place
            )
            return None
        try:
            text = self._texts.resolve(item, field)
        except NotReadError:
            return None
        if text.null or not text.text:
            hint = "remove it, or quote it"
            self._problems.error(draft, Remark("wrong-type", f"an item of {field.path} is empty", hint), item.place)
            return None
        remark = name_remark(f"an item of {field.path}", text.text)
        if remark is not None:
            self._problems.warning(draft, remark, item.place)
        return text

    def check_words(self, draft: Draft) -> None:
        """Report unknown words, once the type is known, which may decide which words are known."""
        for field, vocabulary in draft.layout.vocabularies:
            value = draft.values.get(field.path)
            if value is None or not isinstance(value.content, tuple):
                continue
            kind = draft.values.get("type")
            of_type = kind.content if kind is not None and isinstance(kind.content, str) else ""
            known = vocabulary.by_type.get(of_type, vocabulary.words)
            for word in value.content:
                if word in known:
                    continue
                word_shown = HIDDEN_VALUE if value.sensitive else shown(word)
                remark = check_word(field, word, word_shown, of_type, self._problems.findings.closest)
                if remark is not None:
                    written = draft.words.get(field.path, {}).get(word)
                    self._problems.warning(draft, remark, value.place if written is None else written.place)
