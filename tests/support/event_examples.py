"""One example of every event, with all its fields: its newest golden record."""

from typing import Any

from deploy.docs.golden import golden_records

EXAMPLES: dict[str, dict[str, Any]] = {
    kind: records[-1]["value"] for kind, records in golden_records().items()
}
