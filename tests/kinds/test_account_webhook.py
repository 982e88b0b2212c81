"""The kind `account_webhook`."""

from __future__ import annotations

from reconciler.api import wire
from reconciler.kinds.account_webhook import ACCOUNT_WEBHOOK
from reconciler.kinds.markers import Choice, Vocabulary
from reconciler.kinds.vocabulary import ACCOUNT_FILTERS


def test_it_has_a_target_and_knows_every_event() -> None:
    assert ACCOUNT_WEBHOOK.by_path["target"].marker(Choice) == Choice(("webhook", "flex"))
    assert ACCOUNT_WEBHOOK.by_path["filters"].marker(Vocabulary) == Vocabulary(ACCOUNT_FILTERS)


def test_reads_an_answer() -> None:
    body = {
        "account_sid": "AC",
        "pre_webhook_url": "https://hooks.example.com/pre",
        "post_webhook_url": "",
        "method": "get",
        "filters": ["onMessageSend", "onConversationUpdated"],
        "target": "webhook",
        "url": "https://conversations.twilio.com/v1/Configuration/Webhooks",
    }
    assert wire.decode(ACCOUNT_WEBHOOK, body).values == {
        "target": "webhook",
        "method": "GET",
        "filters": ("onConversationUpdated", "onMessageSend"),
        "pre_webhook_url": "https://hooks.example.com/pre",
        "post_webhook_url": None,
    }
