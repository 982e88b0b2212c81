"""Problems as SARIF: what code scanning needs is there, each problem at its line, and nothing of the files."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ConfigError, Place, Problem, UsageError
from reconciler.render.sarif import MOST_RESULTS, of_error, sarif
from tests.render.test_markdown import attacks


def told(*problems: Problem, folder: str = "") -> Any:
    return json.loads(sarif(problems, tool_version="1.2.3", exit_code=1, folder=folder))


def test_one_problem_in_full() -> None:
    problem = Problem(
        "unknown-key", 'a service has no key "rols"', Place("a b.yaml", 12, 5), "did you mean roles?",
        related=((Place("other.yaml"), "declared here"),), address="services.x",
    )  # fmt: skip
    document = told(problem, folder="config")
    assert document["version"] == "2.1.0"
    [run] = document["runs"]
    assert run["tool"]["driver"]["name"] == "reconciler"
    assert run["tool"]["driver"]["rules"] == [
        {
            "id": "unknown-key",
            "name": "UnknownKey",
            "shortDescription": {"text": "A mapping has an unknown key."},
            "help": {"text": "A mapping has an unknown key. Correct the name, or remove the key."},
            "defaultConfiguration": {"level": "error"},
            "properties": {"tags": ["configuration"], "problem.severity": "error"},
        }
    ]
    [result] = run["results"]
    assert re.fullmatch(r"[0-9a-f]{64}", result.pop("partialFingerprints")["problem/v1"])
    assert result == {
        "ruleId": "unknown-key",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": 'a service has no key "rols" (did you mean roles?)'},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "config/a%20b.yaml", "uriBaseId": "SRCROOT"},
                    "region": {"startLine": 12, "startColumn": 5},
                },
                "logicalLocations": [{"fullyQualifiedName": "services.x", "kind": "resource"}],
            }
        ],
        "relatedLocations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "config/other.yaml", "uriBaseId": "SRCROOT"}},
                "message": {"text": "declared here"},
            }
        ],
    }
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]


def test_a_fingerprint_outlives_lines_that_come_above_and_tells_equal_problems_apart() -> None:
    def prints(*lines: int) -> list[str]:
        results = told(*(Problem("c", "m", Place("a.yaml", line)) for line in lines))["runs"][0]["results"]
        return [result["partialFingerprints"]["problem/v1"] for result in results]

    assert prints(1, 2) == prints(8, 9)
    assert len(set(prints(1, 2))) == 2


def test_errors_come_first_and_what_is_too_much_is_counted() -> None:
    problems = [Problem("c", f"w{number}", severity="warning") for number in range(MOST_RESULTS)]
    [run] = told(*problems, Problem("d", "e"), Problem("d", "f"))["runs"]
    assert [result["message"]["text"] for result in run["results"][:3]] == ["e", "f", "w0"]
    assert len(run["results"]) == MOST_RESULTS
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert notes == [{"level": "warning", "message": {"text": "2 more problems are not listed"}}]


def test_an_error_that_is_no_problem_of_the_files() -> None:
    [run] = json.loads(of_error(UsageError("no such file"), tool_version="1", exit_code=1))["runs"]
    assert run["results"] == []
    assert run["invocations"] == [
        {
            "executionSuccessful": False,
            "exitCode": 1,
            "toolExecutionNotifications": [{"level": "error", "message": {"text": "no such file"}}],
        }
    ]


@pytest.mark.parametrize("file", ["../up.yaml", "/etc/x.yaml"])
def test_files_outside_of_the_folder(file: str) -> None:
    location = told(Problem("c", "m", Place(file, 1)), folder="a")["runs"][0]["results"][0]["locations"][0]
    expected = {"../up.yaml": {"uri": "up.yaml", "uriBaseId": "SRCROOT"}, "/etc/x.yaml": {"uri": "file:///etc/x.yaml"}}
    assert location["physicalLocation"]["artifactLocation"] == expected[file]


@given(st.lists(st.tuples(attacks, attacks), max_size=5))
def test_whatever_the_words_there_is_one_result_for_each_problem(texts: list[tuple[str, str]]) -> None:
    problems = [
        Problem("c", message, Place(file, 1), file, related=((Place(message), file),)) for message, file in texts
    ]
    text = of_error(ConfigError(problems), tool_version="1", exit_code=1)
    assert text.isascii()
    [run] = json.loads(text)["runs"]
    assert len(run["results"]) == len(texts)
    for result in run["results"]:
        assert "](" not in result["message"]["text"]
        assert all(character.isprintable() for character in result["message"]["text"])
