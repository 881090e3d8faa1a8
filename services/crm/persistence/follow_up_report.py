"""Summaries of a month's calls."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.crm.domain.follow_up_report import AgentCalls, FollowUpSummary, ReasonNumbers
from shared.db import Connection

_NUMBERS = """
    count(*) AS due,
    sum(attempts) AS attempts,
    count(*) FILTER (WHERE reached) AS reached,
    count(*) FILTER (WHERE NOT reached) AS not_reached,
    count(cancelled_at) AS cancelled,
    count(*) FILTER (WHERE completed_at IS NULL AND cancelled_at IS NULL) AS open
FROM follow_up WHERE store_id = $1 AND due_at >= $2 AND due_at < $3
"""

_BY_REASON = f"SELECT reason, {_NUMBERS} GROUP BY reason ORDER BY min(priority), reason"

_BY_AGENT = f"""
SELECT coalesce(completed_by, agent_id) AS agent_id, {_NUMBERS}
GROUP BY coalesce(completed_by, agent_id) ORDER BY 1
"""

_NEEDS = """
SELECT need, count(*) AS customers FROM follow_up CROSS JOIN unnest(needs) AS need
WHERE store_id = $1 AND due_at >= $2 AND due_at < $3
GROUP BY need ORDER BY customers DESC, need
"""

_SATISFACTION = """
SELECT satisfaction, count(*) AS customers FROM follow_up
WHERE store_id = $1 AND due_at >= $2 AND due_at < $3 AND satisfaction IS NOT NULL
GROUP BY satisfaction ORDER BY satisfaction
"""

_FIND = (
    "SELECT content, filed_by, filed_at FROM follow_up_report WHERE store_id = $1 AND month = $2"
)

_FILE = """
INSERT INTO follow_up_report (store_id, month, content, filed_by, filed_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING true
"""


async def summary_of_calls(
    connection: Connection, store_id: str, since: datetime, until: datetime
) -> FollowUpSummary:
    """Return the numbers of the calls of a store that were due between two times."""
    span = store_id, since, until
    needs = await connection.fetch(_NEEDS, *span)
    satisfaction = await connection.fetch(_SATISFACTION, *span)
    return FollowUpSummary(
        reasons=[ReasonNumbers(**row) for row in await connection.fetch(_BY_REASON, *span)],
        agents=[AgentCalls(**row) for row in await connection.fetch(_BY_AGENT, *span)],
        needs={row["need"]: row["customers"] for row in needs},
        satisfaction={row["satisfaction"]: row["customers"] for row in satisfaction},
    )


async def filed_report(
    connection: Connection, store_id: str, month: str
) -> Mapping[str, Any] | None:
    """Return the filed report of a month with who has filed it and when, if there is one."""
    row = await connection.fetchrow(_FIND, store_id, month)
    return dict(row) if row else None


async def filed_months(connection: Connection, store_id: str) -> Sequence[str]:
    """Return the months whose reports are filed, the newest first; ten years at most."""
    rows = await connection.fetch(
        "SELECT month FROM follow_up_report WHERE store_id = $1 ORDER BY month DESC LIMIT 120",
        store_id,
    )
    return [row["month"] for row in rows]


async def file_report(
    connection: Connection,
    store_id: str,
    month: str,
    summary: FollowUpSummary,
    filed_by: str,
    filed_at: datetime,
) -> bool:
    """Store the report of a month; return False where another manager was first."""
    content = summary.model_dump(mode="json")
    return bool(await connection.fetchval(_FILE, store_id, month, content, filed_by, filed_at))
