"""Every reader of hostile input: some dozens of inputs each, in the slow tests hundreds.

`python -m tests.fuzz --seconds 600` draws many more.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_hostile_input_ends_in_a_result_or_in_a_documented_error(target: Target, data: st.DataObject) -> None:
    target.run(data.draw(target.inputs))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@given(data=st.data())
@settings(max_examples=600, suppress_health_check=list(HealthCheck))
def test_hostile_input_ends_in_a_result_or_in_a_documented_error_thoroughly(
    target: Target, data: st.DataObject
) -> None:
    target.run(data.draw(target.inputs))
