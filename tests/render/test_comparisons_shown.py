"""Comparisons in every format: golden files for what people and programs read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.render import github
from reconciler.render.comparison import comparison_markdown, comparison_text
from reconciler.render.html import comparison_html
from reconciler.render.markdown_text import Repository
from tests.render.comparison_samples import COMPARISONS
from tests.render.test_html import without_sources
from tests.render.test_markdown import assert_harmless

REPOSITORY = Repository("https://github.com/acme/desk", "0123456789abcdef0123456789abcdef01234567", "config")


@pytest.mark.parametrize("name", COMPARISONS)
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    found = COMPARISONS[name]
    repository = REPOSITORY if name == "branch" else None
    golden(f"comparison/{name}.txt", comparison_text(found, colour=False, width=100))
    golden(f"comparison/{name}.colour.txt", comparison_text(found, colour=True, width=100))
    golden(f"comparison/{name}.md", comparison_markdown(found, repository))
    golden(f"comparison/{name}.html", without_sources(comparison_html(found, repository)))
    golden(f"comparison/{name}.json", found.to_json())
    golden(f"comparison/{name}.github", github.commands(github.of_comparison(found), "config"))


@pytest.mark.parametrize("name", COMPARISONS)
def test_the_markdown_is_harmless(name: str) -> None:
    assert_harmless(comparison_markdown(COMPARISONS[name], REPOSITORY))
