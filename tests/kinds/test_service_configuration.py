"""The kind `service_configuration`."""

from __future__ import annotations

from reconciler.api import wire
from reconciler.json_text import Json
from reconciler.kinds.markers import Ref
from reconciler.kinds.service_configuration import SERVICE_CONFIGURATION
from tests.builders import sid


def test_its_defaults_are_roles_of_the_same_service_and_of_the_right_type() -> None:
    assert {field.path: field.marker(Ref) for field in SERVICE_CONFIGURATION.fields} == {
        "default_conversation_creator_role": Ref(
            "role", "service", of_type="conversation", initial=("channel admin", "channel user")
        ),
        "default_conversation_role": Ref("role", "service", of_type="conversation", initial=("channel user",)),
        "default_chat_service_role": Ref("role", "service", of_type="service", initial=("service user",)),
        "reachability_enabled": None,
    }


def test_reads_an_answer_that_names_no_account() -> None:
    body: dict[str, Json] = {
        "chat_service_sid": sid("IS"),
        "default_conversation_creator_role_sid": sid("RL", 1),
        "default_conversation_role_sid": sid("RL", 2),
        "default_chat_service_role_sid": sid("RL", 3),
        "reachability_enabled": False,
        "links": {},
        "url": "https://conversations.twilio.com/v1/Services/IS/Configuration",
    }
    assert wire.decode(SERVICE_CONFIGURATION, body) == wire.Decoded(
        "",
        {
            "default_conversation_creator_role": sid("RL", 1),
            "default_conversation_role": sid("RL", 2),
            "default_chat_service_role": sid("RL", 3),
            "reachability_enabled": False,
        },
    )
