"""Errors as text and as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents.problems import error_document, validation_document
from reconciler.errors import (
    ConfigError,
    GuardRefusal,
    Intercepted,
    Malformed,
    OutOfTime,
    Place,
    Problem,
    ReconcilerError,
    Refusal,
    Refused,
    StalePlan,
    Stopped,
    Unreachable,
    UsageError,
)
from reconciler.render.advice import ADVICE
from reconciler.render.error_text import error_text
from tests.render.test_plan_text import assert_harmless, hostile

REFUSED = Refused(
    Refusal("GET", "/v1/Services?PageSize=50", 401, 20003, "Authenticate", "https://docs.example/20003", "RQ1")
)


def shown(error: BaseException) -> str:
    return error_text(error, colour=False, width=80)


def test_a_plain_error_is_one_sentence() -> None:
    assert shown(UsageError("no such file")) == "Error: no such file\n"


def test_a_stale_plan_lists_what_is_not_approved_and_says_what_to_do() -> None:
    text = shown(StalePlan(["services.a: create was not in the approved plan"]))
    assert "nothing was sent" in " ".join(text.split())
    assert "  - services.a: create was not in the approved plan\n" in text
    assert text.endswith("Make a new plan and have it reviewed:\n  reconciler plan --out PLAN\n")
    known = shown(StalePlan(["services.a: create"], "reconciler plan files --out plan.json"))
    assert known.endswith("Make a new plan and have it reviewed:\n  reconciler plan files --out plan.json\n")


def test_a_guard_lists_its_reasons() -> None:
    text = shown(GuardRefusal(["one", "two"]))
    assert "  - one\n  - two\n" in text
    assert "nothing was sent" in text


def test_a_refusal_tells_everything_that_twilio_said() -> None:
    text = shown(REFUSED)
    for part in ("GET /v1/Services", "HTTP 401, Twilio error 20003: Authenticate", "docs.example", "RQ1", "TWILIO_"):
        assert part in text


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (REFUSED, "Check TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN"),
        (Refused(Refusal("GET", "/v1/Services", 403, 20403, "no")), "the account is suspended or at a limit"),
        (Refused(Refusal("GET", "/v1/Services", 429, 20429, "no")), "use a lower --concurrency"),
        (Refused(Refusal("GET", "/v1/Services", 503, 20503, "no")), "Try again later"),
        (Refused(Refusal("GET", "/v1/Services", 404, 20404, "no")), ""),
        (Refused(Refusal("GET", "/v1/Services", 302, 302, "no")), ""),
        (Unreachable("no answer"), "Check the network"),
        (OutOfTime("not sent"), "Set a longer one with --timeout"),
        (Stopped("not sent"), ""),
        (Malformed("no JSON"), "Something other than Twilio answered. Log in to the network"),
        (Intercepted("a redirect", 302), "Something other than Twilio answered. Log in to the network"),
        (Refused(Refusal("GET", "/v1/Services", 401, 70051, "no")), "Give the restricted key access to Conversations"),
        (Refused(Refusal("GET", "/v1/Services", 403, 70051, "no")), "Give the restricted key access to Conversations"),
        (Refused(Refusal("GET", "/v1/Services", 400, 70005, "no")), "wait a few minutes"),
        (Refused(Refusal("GET", "/v1/Services", 404, 50385, "no")), "Unset TWILIO_REGION and TWILIO_EDGE"),
        (
            Refused(Refusal("POST", "/v1/Services", 409, 50416, "in CH1")),
            "in another open conversation, which Twilio's",
        ),
        (Refused(Refusal("GET", "/v1/Services", 404, 404, "no")), ""),
    ],
)
def test_an_error_of_the_api_says_what_to_do_about_it(error: ReconcilerError, advice: str) -> None:
    text = " ".join(shown(error).split())
    assert advice in text
    assert advice or not any(sentence in text for sentence in ADVICE.values())


def test_problems_are_told_with_their_places() -> None:
    error = ConfigError([Problem("unknown-key", "no such key", Place("a.yaml", 2, 3))], {"a.yaml": ("x:", "  y: 1")})
    assert "a.yaml:2:3" in shown(error)


def test_errors_as_json() -> None:
    problem = Problem(
        "code", "wrong", Place("a.yaml", 2, 3, "variable x"), "do it", related=((Place("b.yaml"), "here"),)
    )
    document = json.loads(error_document(ConfigError([problem]), exit_code=1).to_json())
    assert document == {
        "format": "reconciler.error",
        "format_version": 1,
        "exit_code": 1,
        "message": "wrong",
        "problems": [
            {
                "code": "code",
                "severity": "error",
                "message": "wrong",
                "hint": "do it",
                "address": "",
                "place": {"file": "a.yaml", "line": 2, "column": 3, "via": "variable x"},
                "related": [{"what": "here", "place": {"file": "b.yaml", "line": 0, "column": 0, "via": ""}}],
            }
        ],
        "differences": [],
        "reasons": [],
        "refusal": None,
        "cause": "",
    }
    assert json.loads(error_document(StalePlan(["d"]), exit_code=3).to_json())["differences"] == ["d"]
    assert json.loads(error_document(GuardRefusal(["r"]), exit_code=4).to_json())["reasons"] == ["r"]
    assert json.loads(error_document(REFUSED, exit_code=1).to_json())["refusal"]["request_id"] == "RQ1"


def test_validation_as_json() -> None:
    document = json.loads(validation_document(environment="prod", resources=3, warnings=[Problem("c", "m")]).to_json())
    assert document["resources"] == 3
    assert [problem["code"] for problem in document["problems"]] == ["c"]


@given(hostile, st.lists(hostile, max_size=3))
def test_any_error_is_harmless_as_text_and_as_json(text: str, several: list[str]) -> None:
    place = Place(text, 1, 1, text)
    errors: list[ReconcilerError] = [
        UsageError(text),
        StalePlan(several),
        GuardRefusal(several),
        Refused(Refusal(text, text, 400, 1, text, text, text)),
        ConfigError([Problem(text, text, place, text, address=text)], {text: (text,)}),
    ]
    for error in errors:
        assert_harmless(shown(error))
        document = error_document(error, exit_code=1).to_json()
        assert document.isascii()
        assert json.loads(document)["message"] == str(error)


@pytest.mark.parametrize("width", [1, 40, 200])
def test_any_width_will_do(width: int) -> None:
    assert error_text(UsageError("word " * 50), colour=True, width=width).endswith("\n")
