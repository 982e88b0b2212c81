"""Tables of the generated pages."""

from __future__ import annotations

from reconciler.schema.markdown_table import markdown_table


def test_pipes_are_escaped_in_every_cell() -> None:
    assert markdown_table(("a|b", ""), [("`text|json`", "one"), ("", "two | three")]) == (
        "| a\\|b | |\n|---|---|\n| `text\\|json` | one |\n| | two \\| three |\n"
    )
