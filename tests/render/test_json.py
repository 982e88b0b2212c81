"""The ten plans as JSON, as they were when somebody last looked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.render import plan_samples as samples


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"plan/{name}.json", samples.GOLDEN_PLANS[name].to_json())
