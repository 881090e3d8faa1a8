"""JSON schemas of the events."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.docs.descriptions import describe_fields, meaning_in_chinese
from shared.contracts import CONTRACTS, schema_address

Schema = Mapping[str, Any]

FOLDER = Path("shared/contracts/schemas")


def schemas() -> dict[Path, str]:
    """Return one schema file per event type."""
    return {
        FOLDER / f"{kind}.json": json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"
        for kind in CONTRACTS
    }


def schema(kind: str) -> dict[str, Any]:
    """Return the schema of one event's data, with descriptions in English and Chinese.

    Its ``$id`` is the ``ce_dataschema`` of its records.
    """
    contract = CONTRACTS[kind]
    described = contract.model_json_schema()
    for name, part in {contract.__name__: described, **described.get("$defs", {})}.items():
        describe_fields(name, part)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_address(kind),
        "x-requirements": list(contract.requirements),
        "x-zh": meaning_in_chinese(contract),
        **described,
    }
