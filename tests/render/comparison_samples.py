"""Comparisons for golden files: what a pull request changes, two environments, hostile files, and no change."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.documents.comparison import ComparisonFile, SidePart, comparison_document
from reconciler.planning.comparison import compare
from tests.world import read

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
OTHER = "ACfedcba9876543210fedcba9876543210"

BASE = """\
version: 1
account: {sid: AC0123456789abcdef0123456789abcdef}
services:
  support:
    friendly_name: Customer Support
    configuration: {default_conversation_role: agent}
    webhooks: {method: POST, post_webhook_url: "https://hooks.example.com/post?token=${secret:HOOK_TOKEN}"}
    roles:
      agent: {type: conversation, permissions: [sendMessage, leaveConversation]}
      lead: {type: conversation, permissions: [sendMessage]}
    conversations:
      announcements: {attributes: {pinned: true, team: 1}}
addresses:
  "+14155550100": {friendly_name: Main line, auto_creation: {enabled: true, type: default, service: support}}
  "+14155550199": {friendly_name: Old line}
limits: {deletes: 3}
"""

BRANCH = """\
version: 1
account: {sid: AC0123456789abcdef0123456789abcdef}
services:
  support:
    friendly_name: Customer Support
    configuration: {default_conversation_role: agent, reachability_enabled: true}
    webhooks: {method: POST, post_webhook_url: "https://hooks.example.org/post?token=${secret:HOOK_TOKEN}"}
    roles:
      agent: {type: conversation, permissions: [sendMessage, sendMediaMessage]}
      lead: {type: service, permissions: [joinConversation]}
      trainee: {type: conversation, permissions: [sendMessage]}
    conversations:
      announcements: {absent: true}
addresses:
  "+14155550100": {friendly_name: Front door, auto_creation: {enabled: false}}
limits: {deletes: 30}
"""

STAGING = f"""\
version: 1
account: {{sid: {ACCOUNT}}}
services:
  support:
    roles: {{agent: {{type: conversation, permissions: [sendMessage]}}}}
    webhooks: {{post_webhook_url: https://staging.example.com/post}}
addresses:
  main: {{address: "+14155550111", friendly_name: Main line}}
  trial: {{address: "+14155550112"}}
"""

PROD = f"""\
version: 1
account: {{sid: {OTHER}}}
services:
  support:
    roles:
      agent: {{type: conversation, permissions: [sendMessage, leaveConversation]}}
      lead: {{type: conversation, permissions: [sendMessage]}}
    webhooks: {{post_webhook_url: https://hooks.example.com/post}}
addresses:
  main: {{address: "+14155550100", friendly_name: Main line}}
"""

HOSTILE = r"""
version: 1
services:
  "@octocat|</details>":
    friendly_name: "**bold** <img src=x>"
    roles:
      "`x`": {type: conversation, permissions: ["@everyone", "![x](https://evil.example/x.png)"]}
"""


def _seen(before: str, after: str, *names: str) -> ComparisonFile:
    configs = [read(text, {"HOOK_TOKEN": "s3cret"}, by_name=True) for text in (before, after)]
    sides = [
        SidePart(name=name, config_digest="", account_sid=str(config.account_sid or ""))
        for name, config in zip(names, configs, strict=True)
    ]
    found = compare(*configs)
    return comparison_document(found, *sides, tool_version="0.1.0")


COMPARISONS: Mapping[str, ComparisonFile] = {
    "equal": _seen(BASE, BASE, "git:main", "reconciler.yaml"),
    "branch": _seen(BASE, BRANCH, "git:main", "reconciler.yaml"),
    "environments": _seen(STAGING, PROD, "reconciler.yaml@staging", "reconciler.yaml@prod"),
    "hostile": _seen("version: 1\nservices: {}\n", HOSTILE, "git:@octocat|</details>", "a`b"),
}
