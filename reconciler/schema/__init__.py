"""JSON Schemas and reference documentation, generated from the kinds and the document models.

Takes the layout of the configuration and the classes of the documents; returns JSON Schemas (draft 2020-12) and
Markdown. The generated files are committed, and a test fails when one of them is out of date:

    python -m reconciler.schema --write

    values      JSON Schemas of single values and of the mappings that hold them
    files       JSON Schemas of configuration files and overlays, for editors
    documents   JSON Schemas of the JSON documents that commands write
    reference   the kinds and their fields, the keys, and the API coverage as Markdown
    markdown_table  tables of the generated pages
    troubleshooting  the tables of the page of that name
    write       every generated file: its path and its text
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from reconciler.schema import configuration, documents
from reconciler.schema.values import Schema

SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "config": configuration.config_schema,
    "overlay": configuration.overlay_schema,
    "plan": documents.plan_schema,
    "report": documents.report_schema,
    "drift": documents.drift_schema,
    "drift-log": documents.drift_log_schema,
    "diff": documents.diff_schema,
    "accept": documents.accept_schema,
    "sids": documents.sids_schema,
    "ledger": documents.ledger_schema,
    "history": documents.history_schema,
    "validation": documents.validation_schema,
    "error": documents.error_schema,
}
"""Functions that build each published schema, by the name that `reconciler schema` takes."""


def schema_text(name: str) -> str:
    """Return a published schema as the text that is committed and that `reconciler schema` prints.

    Args:
        name: A key of `SCHEMAS`.
    """
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


__all__ = ["SCHEMAS", "schema_text"]
