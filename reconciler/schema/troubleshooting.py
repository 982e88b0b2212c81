"""The generated tables of the troubleshooting page: problem codes, and the risk of each field's change.

Takes the page; returns the page with its tables up to date. The text around them is written by hand. Does no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from reconciler.config.layout import standard_layout
from reconciler.documents.problem_codes import TOPICS
from reconciler.kinds.markers import OnChange
from reconciler.schema.markdown_table import markdown_table

_SECTION = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[a-z ]+) -->\n).*?(?P<end><!-- end of generated -->)", re.DOTALL
)


def with_tables(page: str) -> str:
    """Replace the text of every generated section.

    Args:
        page: The page, with each section between `<!-- generated: NAME -->` and `<!-- end of generated -->`.
    """
    return _SECTION.sub(lambda found: f"{found['begin']}{_TABLES[found['name']]()}{found['end']}", page)


def codes_markdown() -> str:
    """Render a table of the problem codes for each topic."""
    sections = (
        f"### {topic}\n\n"
        + markdown_table(
            ("code", "cause", "fix"), ((f"`{code}`", item.cause, item.fix) for code, item in sorted(codes.items()))
        )
        for topic, codes in TOPICS.items()
    )
    return "\n" + "\n".join(sections) + "\n"


def risks_markdown() -> str:
    """Render a table of the fields whose change has more than low risk, highest first."""
    return "\n" + markdown_table(("risk", "field", "effect"), sorted(_risks(), key=lambda row: row[0] != "high")) + "\n"


def _risks() -> Iterator[tuple[str, str, str]]:
    for item in standard_layout().layouts.values():
        for field in item.kind.fields:
            marker = field.marker(OnChange)
            if marker is not None:
                effect = f"{marker.effect[0].upper()}{marker.effect[1:]}." if marker.effect else "–"
                yield marker.risk, f"`{field.path}` of {item.kind.noun}", effect


_TABLES: Mapping[str, Callable[[], str]] = {"problem codes": codes_markdown, "risk of fields": risks_markdown}
