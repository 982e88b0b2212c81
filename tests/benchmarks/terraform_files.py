"""The account of the comparison with Terraform, in our configuration and in two styles of Terraform's.

It has the configuration and webhooks of the account; services with their configuration, notifications, and roles; and
addresses.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.builders import ACCOUNT

ROLES = 5
SOURCE = "RJPearson94/twilio"
_TIMER, _URL, _PERMISSIONS = "P30D", "https://hooks.example.com/all", ["sendMessage"]


def ours(services: int, addresses: int) -> str:
    """Return our configuration."""
    lines = [
        "version: 1",
        "account:",
        f"  sid: {ACCOUNT}",
        f"  configuration: {{default_closed_timer: {_TIMER}}}",
        f"  webhooks: {{post_webhook_url: {_URL}}}",
        "services:",
    ]
    for service in range(services):
        lines += [
            f"  s{service}:",
            f"    friendly_name: Service {service}",
            "    configuration: {reachability_enabled: true}",
            "    notifications: {log_enabled: true}",
            "    roles:",
            *(f"      r{role}: {{type: conversation, permissions: [sendMessage]}}" for role in range(ROLES)),
        ]
    lines += ["addresses:", *(f'  "{number}": {{type: sms}}' for number in _numbers(addresses))]
    return "\n".join(lines) + "\n"


def terraform_blocks(services: int, addresses: int) -> str:
    """Return Terraform's configuration, with a block for each resource, as JSON."""
    resources: dict[str, dict[str, object]] = {}

    def add(kind: str, name: str, **values: object) -> None:
        resources.setdefault(kind, {})[name] = values

    add("configuration", "account", default_closed_timer=_TIMER)
    add("webhook", "account", post_webhook_url=_URL)
    for service in range(services):
        key = f"s{service}"
        sid = f"${{twilio_conversations_service.{key}.sid}}"
        add("service", key, friendly_name=f"Service {service}")
        add("service_configuration", key, service_sid=sid, reachability_enabled=True)
        add("service_notification", key, service_sid=sid, log_enabled=True)
        for role in range(ROLES):
            values = {"friendly_name": f"r{role}", "type": "conversation", "permissions": _PERMISSIONS}
            add("role", f"{key}-r{role}", service_sid=sid, **values)
    for number in _numbers(addresses):
        add("address_configuration_default", f"n{number[1:]}", address=number, type="sms")
    return _document(resources)


def terraform_for_each(services: int, addresses: int) -> str:
    """Return Terraform's configuration, with one block for each kind of resource, as JSON."""
    keys = {f"s{service}": f"Service {service}" for service in range(services)}
    sid = "${twilio_conversations_service.all[each.key].sid}"
    resources: dict[str, dict[str, object]] = {
        "configuration": {"default_closed_timer": _TIMER},
        "webhook": {"post_webhook_url": _URL},
        "service": {"for_each": keys, "friendly_name": "${each.value}"},
        "service_configuration": {"for_each": keys, "service_sid": sid, "reachability_enabled": True},
        "service_notification": {"for_each": keys, "service_sid": sid, "log_enabled": True},
        "role": {
            "for_each": {f"{key}-r{role}": [key, f"r{role}"] for key in keys for role in range(ROLES)},
            "service_sid": "${twilio_conversations_service.all[each.value[0]].sid}",
            "friendly_name": "${each.value[1]}",
            "type": "conversation",
            "permissions": _PERMISSIONS,
        },
        "address_configuration_default": {
            "for_each": {number: {} for number in _numbers(addresses)},
            "address": "${each.key}",
            "type": "sms",
        },
    }
    return _document({kind: {"all": values} for kind, values in resources.items()})


def _document(resources: Mapping[str, Mapping[str, object]]) -> str:
    providers = {"required_providers": {"twilio": {"source": SOURCE}}}
    named = {f"twilio_conversations_{kind}": blocks for kind, blocks in resources.items()}
    return json.dumps({"terraform": providers, "resource": named}, indent=1)


def _numbers(addresses: int) -> list[str]:
    return [f"+141555{number:05}" for number in range(addresses)]
