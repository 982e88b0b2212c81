"""The kind `service_webhook`."""

from __future__ import annotations

from reconciler.api import wire
from reconciler.kinds.markers import Choice, Vocabulary
from reconciler.kinds.service_webhook import SERVICE_WEBHOOK
from reconciler.kinds.vocabulary import SERVICE_FILTERS


def test_it_has_no_target_and_knows_the_services_events() -> None:
    assert list(SERVICE_WEBHOOK.by_path) == ["method", "filters", "pre_webhook_url", "post_webhook_url"]
    assert SERVICE_WEBHOOK.by_path["filters"].marker(Vocabulary) == Vocabulary(SERVICE_FILTERS)
    assert SERVICE_WEBHOOK.by_path["method"].marker(Choice) == Choice(("GET", "POST"))


def test_a_service_without_webhooks_answers_all_nulls() -> None:
    body = {"pre_webhook_url": None, "post_webhook_url": None, "filters": None, "method": None, "url": "https://x"}
    assert wire.decode(SERVICE_WEBHOOK, body).values == dict.fromkeys(SERVICE_WEBHOOK.by_path)
