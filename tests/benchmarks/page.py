"""How long Chromium takes over the page of a plan of ten thousand changes: to open, to search, to unfold it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import sync_playwright

from reconciler.render.html import plan_html
from tests.benchmarks.measuring import Row
from tests.browser.conftest import FLAGS
from tests.render import plan_samples

WORK = """([words, button]) => {
  const started = performance.now();
  if (button !== '') document.getElementById(button).click();
  else {
    document.getElementById('search').value = words;
    document.getElementById('filters').dispatchEvent(new Event('change'));
  }
  document.body.getBoundingClientRect();
  return [performance.now() - started, document.getElementById('found').textContent];
}"""


def rows() -> Iterator[Row]:
    """Measure each action of a reader."""
    sample = plan_samples.EVERY_ACTION
    changes = tuple(
        replace(change, address=f"{change.address}{number}")
        for number in range(10_000 // len(sample.changes))
        for change in sample.changes
    )
    html = plan_html(replace(sample, changes=changes))
    size = f"{len(changes):,} changes, {len(html.encode()) / 1e6:.1f} MB"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "plan.html"
        file.write_text(html, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_page()
        started = time.perf_counter()
        page.goto(file.as_uri())
        yield Row("wall time: page opened", "", "ms", (time.perf_counter() - started) * 1000, detail=size)
        for name, words, button in (
            ("searched", "agent150", ""), ("searched again", "support", ""), ("cleared", "", ""),
            ("unfolded", "", "unfold"), ("folded", "", "fold"),
        ):  # fmt: skip
            spent, found = page.evaluate(WORK, [words, button])
            yield Row(f"wall time: page {name}", "", "ms", spent, detail=found)
        browser.close()
