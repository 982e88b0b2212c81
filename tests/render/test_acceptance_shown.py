"""Accepted drift as Markdown: the body of a pull request, whatever the texts are."""

from __future__ import annotations

from typing import Any

from markdown_it import MarkdownIt

from reconciler.documents.acceptance import AcceptedPart, AcceptFile, AffectedPart, EditedFile, RefusedPart
from reconciler.render.acceptance import BUDGET, acceptance_markdown

ROLE = "services.support.roles.agent"
WHOLE = """\
<!-- reconciler:accept AC1 eu%2Dprod -->

### Accept 2 differences; 1 not accepted

These edits make the configuration match account `AC1`, environment `eu-prod`.

| Edit | Difference | Resource | Service | Owners |
|---|---|---|---|---|
| `~` takes the live value | `services.support.roles.agent.permissions` | role | `Customer Support` | `@acme/desk` |
| `-` removed from the files | `addresses.old` | – | – | – |

**Without these edits, the next apply reverts the differences. Its effects:**

- 🔴 high · `services.support.roles.agent`: 3 users lose `sendMessage()`.

**Not accepted**, so still different:

- `services.support.webhooks.post_webhook_url`: the value is sensitive. To accept it: change it by hand.

```diff
--- reconciler.yaml
+++ reconciler.yaml
@@ -1,1 +1,1 @@
-a
+b
```
"""


def document(**more: object) -> AcceptFile:
    parts: dict[str, object] = {
        "account_sid": "AC1",
        "env": "eu-prod",
        "written": True,
        "accepted": (
            AcceptedPart(address=ROLE, field="permissions", action="set"),
            AcceptedPart(address="addresses.old", field="", action="remove"),
        ),
        "refused": (
            RefusedPart(
                address="services.support.webhooks", field="post_webhook_url", reason="the value is sensitive",
                hint="change it by hand",
            ),
        ),
        "affected": (
            AffectedPart(
                address=ROLE, kind="role", service="Customer Support", risk="high", owners=("@acme/desk",),
                effects=("3 users lose sendMessage().",),
            ),
        ),
        "files": (
            EditedFile(
                path="reconciler.yaml",
                diff=("--- reconciler.yaml", "+++ reconciler.yaml", "@@ -1,1 +1,1 @@", "-a", "+b"),
            ),
        ),
    }  # fmt: skip
    content: dict[str, Any] = parts | more
    return AcceptFile(**content)


def test_the_body_lists_edits_effects_and_refusals() -> None:
    assert acceptance_markdown(document()) == WHOLE


def test_no_text_of_the_account_forms_markdown() -> None:
    hostile = "```\n# Heading\n@acme <img src=x> | a"
    part = AffectedPart(
        address=ROLE, kind="role", service=hostile, risk="low", owners=("@acme/`desk`|",), effects=(hostile,)
    )
    refused = RefusedPart(address=f"services.{'s' * 300}", field="a|b", reason=hostile, hint=hostile)
    body = acceptance_markdown(
        document(affected=(part,), refused=(refused,), files=(EditedFile(path="a", diff=(hostile, "+````")),))
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    assert [token.type for token in tokens if token.level == 0 and token.nesting >= 0] == [
        "html_block", "heading_open", "paragraph_open", "table_open", "paragraph_open", "bullet_list_open",
        "paragraph_open", "bullet_list_open", "fence",
    ]  # fmt: skip
    assert "<img" not in MarkdownIt("commonmark").enable("table").render(body)


def test_a_long_body_counts_what_it_does_not_list() -> None:
    many = tuple(AcceptedPart(address=f"addresses.a{n}", field="", action="remove") for n in range(2_000))
    lines = tuple(f"-  line {n} {'x' * 500}" for n in range(1_000))
    body = acceptance_markdown(document(accepted=many, files=(EditedFile(path="a", diff=lines),)))
    assert len(body.encode()) < BUDGET + 1_000
    assert "more, not listed" in body
    assert "more lines; the changed files show them." in body


def test_nothing_to_accept_says_so() -> None:
    assert "### Nothing to accept; 1 not accepted\n" in acceptance_markdown(document(accepted=(), files=()))
