"""Markdown tables of the generated pages, whose cells are this project's own text. Pure.

Values from the account or the configuration are escaped by `reconciler.render.markdown_text.cell` instead: they may be
inside code, where the services that show plans differ in how they escape a pipe.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator


def markdown_table(head: tuple[str, ...], rows: Collection[tuple[str, ...]] | Iterator[tuple[str, ...]]) -> str:
    """Render a Markdown table that ends in a newline.

    Args:
        head: The headings of the columns.
        rows: The cells of each row; pipes in them are escaped.
    """
    first, *others = (f"|{'|'.join(map(_cell, row))}|\n" for row in (head, *rows))
    return "".join([first, "|" + "---|" * len(head) + "\n", *others])


def _cell(text: str) -> str:
    escaped = text.replace("|", "\\|")
    return f" {escaped} " if escaped else " "
