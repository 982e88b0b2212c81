"""The frame of every page: its head and policy, verdict, counts, filters, and foot.

Takes pieces of markup and plain texts; returns the whole document. A page loads nothing: it contains its style and
script, and its policy allows only these two, by their digests. Without the script, only the filters are missing.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from reconciler.change import MARKS, Action
from reconciler.kinds import kind_noun
from reconciler.lazy_dataclass import dataclass
from reconciler.render.html.markup import Html, join, tag, text, verbatim, void
from reconciler.render.markdown_text import Repository
from reconciler.render.rows import NextSteps, SourceRow, TimelineRow, UnmanagedGroup, WarningRow
from reconciler.render.terminal import escape
from reconciler.render.wording import count, minute

OPEN_UP_TO = 12
"""Up to this many changes are shown expanded."""
OUT_OF_SIGHT = 100
WORTH_FILTERING = 5
"""The minimum number of items for filters."""
SIGNS: Mapping[Action, str] = {**MARKS, "delete": "−", "replace": "−/+"}


@dataclass(frozen=True, slots=True)
class Facet:
    """One filter.

    Attributes:
        name: the name of an item's attribute for it, without ``data-``.
        title: the displayed title.
        choices: each value with its label and number of items.
        many: whether there may be many choices, which are then a selection list.
    """

    name: str
    title: str
    choices: tuple[tuple[str, str, int], ...]
    many: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The summary at the top of a page.

    Attributes:
        tone: ``good``, ``plain``, ``careful``, or ``bad``; determines its sign and color.
        kicker: the subject of the page.
        headline: the verdict.
        lead: its explanation: texts, or markup.
        facts: names and values of further facts.
    """

    tone: str
    kicker: str
    headline: str
    lead: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


_TONES = {"good": ("✓", "All is well"), "plain": ("●", "Changes"), "careful": ("▲", "Look closely"),
          "bad": ("✕", "Stop")}  # fmt: skip


def document(kind: str, verdict: Verdict, sections: Sequence[Html], foot: str, *, has_list: bool) -> str:
    """Build a whole page.

    Args:
        kind: ``plan``, ``drift`` or ``report``.
        verdict: the first section.
        sections: the other sections.
        foot: how the page was created.
        has_list: whether a section is the list, which gets a skip link.
    """
    style, script = _source("page.css"), _source("page.js")
    head = tag(
        "head",
        void("meta", charset="utf-8"),
        _policy(style, script),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        void("meta", name="referrer", content="no-referrer"),
        void("meta", name="robots", content="noindex"),
        tag("title", f"{verdict.headline} · {verdict.kicker}"),
        verbatim("style", style),
    )
    body = tag(
        "body",
        *([tag("a", "Skip to the list", href="#list", class_="skip")] if has_list else []),
        _top(verdict),
        tag("main", *sections),
        tag("footer", tag("p", foot)),
        verbatim("script", script),
        class_=kind,
    )
    page = tag("html", head, body, lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


@cache
def _source(name: str) -> str:
    """Read our own style or script, which is part of the package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> Html:
    def digest(source: str) -> str:
        return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"

    rules = (
        "default-src 'none'", f"style-src {digest(style)}", f"script-src {digest(script)}", "base-uri 'none'",
        "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
    )  # fmt: skip
    # Our own quotes in our own attribute; it contains no other text.
    return Html(f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">')


def _top(verdict: Verdict) -> Html:
    sign, meaning = _TONES[verdict.tone]
    facts = [tag("div", tag("dt", name), tag("dd", tag("code", value))) for name, value in verdict.facts if value]
    return tag(
        "header",
        tag("p", verdict.kicker, class_="kicker"),
        tag("h1", tag("span", sign, class_="sign", role="img", aria_label=meaning), " ", verdict.headline),
        *(tag("p", sentence, class_="lead") for sentence in verdict.lead),
        tag("dl", *facts, class_="facts"),
        class_=verdict.tone,
    )


def counts(numbers: Sequence[tuple[str, str, int, str]]) -> Html:
    """Render the counts: for each, a class for the color, a sign, the number, and its label."""
    return tag(
        "ul",
        *(
            tag("li", tag("b", *([tag("i", sign, aria_hidden="true")] if sign else []), f"{number:,}"), " ", what,
                class_=name if number else f"{name} zero")
            for name, sign, number, what in numbers
        ),
        class_="counts",
        role="list",
    )  # fmt: skip


def section(title: str, *content: str, identity: str, name: str = "") -> Html:
    """Open a section of a page with its heading."""
    return tag("section", tag("h2", title), *content, id=identity, class_=name or identity)


def folded(title: str, *content: str) -> Html:
    """Open a collapsed part that most readers do not need."""
    return tag("details", tag("summary", title), *content, class_="fold")


def bullets(items: Sequence[Html], name: str = "plain") -> Html:
    """Render a bulleted list of pieces."""
    return tag("ul", *(tag("li", item) for item in items), class_=name)


def listed(items: Sequence[Html]) -> Html:
    """Render the filtered list. A browser lays out only the visible part of a long one."""
    return tag("ol", *items, class_="entries many" if len(items) > OUT_OF_SIGHT else "entries", role="list")


def legend(heads: tuple[str, str], signs: tuple[str, str]) -> Html:
    """Render the legend of the signs at the two sides of a field."""
    (before, after), (first, second) = heads, signs
    return tag("p", tag("b", first), f" {before}  ", tag("b", second), f" {after}", class_="legend")


def facet(
    name: str, title: str, labels: Sequence[tuple[str, str]], found: Counter[str], *, many: bool = False
) -> Facet:
    """Build a facet of the values that occur, in the order of the labels."""
    return Facet(name, title, tuple((value, label, found[value]) for value, label in labels if found[value]), many)


def filters(facets: Sequence[Facet], total: int, noun: str) -> Html:
    """Render the filters of a list; the script, which they need, makes them visible."""
    if total < WORTH_FILTERING:
        return Html("")
    controls = [_many(item) if item.many else _few(item) for item in facets if len(item.choices) > 1]
    return tag(
        "form",
        tag(
            "p",
            tag("label", tag("span", "Search"), void("input", type="search", id="search", autocomplete="off",
                spellcheck="false", placeholder="address, field, value, file …", aria_keyshortcuts="/")),
            class_="search",
        ),
        *controls,
        tag(
            "p",
            tag("output", f"{count(total, noun)}", id="found", aria_live="polite", data_noun=noun),
            tag("button", "Clear", type="reset"),
            tag("button", "Unfold all", type="button", id="unfold"),
            tag("button", "Fold all", type="button", id="fold"),
            class_="found",
        ),
        id="filters",
        role="search",
        aria_label="Filter the list",
        hidden=True,
    )  # fmt: skip


def _few(item: Facet) -> Html:
    boxes = [
        tag("label", void("input", type="checkbox", name=item.name, value=value), tag("span", label, " "),
            tag("small", f"{number:,}"), class_=f"box {value}")
        for value, label, number in item.choices
    ]  # fmt: skip
    return tag("fieldset", tag("legend", item.title), *boxes)


def _many(item: Facet) -> Html:
    options = [tag("option", f"{label} ({number:,})", value=value) for value, label, number in item.choices]
    return tag(
        "p",
        tag("label", tag("span", item.title), tag("select", tag("option", "all", value=""), *options, name=item.name)),
    )


def place(source: SourceRow, repository: Repository | None) -> Html:
    """Render a place in the configuration, as a link if its repository is on the web."""
    link = repository.link(source.file, source.line) if repository is not None else ""
    shown = tag("code", source.place)
    found = tag("a", shown, href=link) if link else shown
    return join([found, text(f" ({source.via})")]) if source.via else found


def warnings(rows: Sequence[WarningRow], repository: Repository | None) -> list[Html]:
    """Render the section of the warnings."""
    if not rows:
        return []
    items = []
    for row in rows:
        parts = [tag("strong", f"{row.label}:"), text(f" {row.message}")]
        if row.source is not None:
            parts += [text(" ("), place(row.source, repository), text(")")]
        elif row.address:
            parts += [text(" ("), tag("code", row.address), text(")")]
        if row.hint:
            parts += [text(" "), tag("em", row.hint)]
        parts += [join([text(" "), tag("code", escape(line))]) for line in row.fix.splitlines()]
        items.append(join(parts))
    return [section(f"Warnings ({len(rows):,})", bullets(items), identity="warnings")]


def unmanaged(
    groups: Sequence[UnmanagedGroup],
    title: str = "Unmanaged",
    sentence: Callable[[int], str] = lambda number: (
        f"{count(number, 'live resource')} that the configuration does not declare; left alone."
    ),
) -> list[Html]:
    """Render the section of the undeclared live resources."""
    number = sum(len(group.rows) for group in groups)
    if not number:
        return []
    folds = []
    for group in groups:
        items = [
            join(
                [
                    tag("code", row.address),
                    *([text(" "), tag("q", row.name)] if row.name else []),
                    *([text(" "), tag("small", row.age)] if row.age else []),
                    *next_steps(row.next_steps),
                ]
            )
            for row in group.rows
        ]
        folds.append(folded(f"{kind_noun(group.kind)}: {len(items):,}", bullets(items, "names")))
    return [section(title, tag("p", sentence(number)), *folds, identity="unmanaged")]


def timeline(rows: Sequence[TimelineRow]) -> list[Html]:
    """Render the findings of this and earlier runs, the newest change first."""
    if not rows:
        return []
    items = [
        join([
            text(f"{minute(row.first_seen)} – {minute(row.gone) if row.gone else 'remains'}: "),
            tag("code", row.name), text(f" {row.standing}, last seen {minute(row.last_seen)}"),
        ])
        for row in sorted(rows, key=lambda row: row.gone or row.first_seen, reverse=True)
    ]  # fmt: skip
    return [section("Timeline", folded(count(len(rows), "finding"), bullets(items, "names")), identity="timeline")]


def next_steps(steps: NextSteps) -> list[Html]:
    """Render the ways out of a finding: a list, or nothing."""
    items = [join([text(f"{name}: "), tag("code", escape(words))]) for name, words in steps]
    return [bullets(items, "ways")] if steps else []


def addresses(title: str, summary: str, found: Sequence[str], identity: str) -> list[Html]:
    """Render a collapsed section with a list of addresses."""
    if not found:
        return []
    return [section(title, folded(summary, bullets([tag("code", item) for item in found], "names")), identity=identity)]
