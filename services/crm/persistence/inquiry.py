"""Inquiries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crm.domain.inquiry import Inquiry, InquiryStatus
from shared.contracts.crm import InquirySubject
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_INQUIRIES = Table(
    "inquiry",
    Inquiry,
    key=("store_id", "inquiry_id"),
    added=("question",),
    separate=("answer",),
)

_SAVE = """
UPDATE inquiry
SET role = $3, passed_by = $4, passed_at = $5, due_at = $6, answered_at = $7, answered_by = $8,
    answer = coalesce($9, answer)
WHERE store_id = $1 AND inquiry_id = $2
"""

_LISTED = f"""
SELECT {_INQUIRIES.column_list}, question, answer FROM inquiry
WHERE store_id = $1
  AND CASE WHEN answered_at IS NULL THEN 'open' ELSE 'answered' END = ANY ($2)
  AND (cardinality($3::text[]) = 0 OR subject = ANY ($3))
  AND ($4::text IS NULL
       OR customer_ref = ANY ((SELECT references_of($1, $4))::text[]))
  AND ($5::text IS NULL
       OR (recorded_at, inquiry_id) < (SELECT recorded_at, inquiry_id FROM inquiry
                                       WHERE store_id = $1 AND inquiry_id = $5))
ORDER BY recorded_at DESC, inquiry_id DESC
LIMIT $6
"""

_OF_ROLES = f"""
SELECT {_INQUIRIES.column_list}, question, answer FROM inquiry
WHERE store_id = $1 AND answered_at IS NULL AND role = ANY ($2)
ORDER BY due_at, inquiry_id
LIMIT 500
"""

_SUBJECTS = """
SELECT subject, count(*) AS inquiries, count(answered_at) AS answered,
       count(*) FILTER (WHERE answered_at > due_at OR answered_at IS NULL AND due_at < $4) AS late,
       (avg(extract(epoch FROM answered_at - recorded_at)))::float8 AS answer_s
FROM inquiry
WHERE store_id = $1 AND recorded_at >= $2 AND recorded_at < $3
GROUP BY subject
ORDER BY inquiries DESC, subject
"""


@dataclass(frozen=True)
class StoredInquiry:
    """An inquiry with its words, still encrypted."""

    inquiry: Inquiry
    question: bytes
    answer: bytes | None


@dataclass(frozen=True)
class SubjectCount:
    """Numbers of inquiries about one subject; ``answer_s`` is the mean time to the answer."""

    subject: InquirySubject
    inquiries: int
    answered: int
    late: int
    answer_s: float | None


async def add_inquiry(connection: Connection, inquiry: Inquiry, question: bytes) -> None:
    """Store a new inquiry with its question, encrypted."""
    await connection.execute(_INQUIRIES.insert, *_INQUIRIES.values(inquiry, question=question))


async def save_inquiry(
    connection: Connection, inquiry: Inquiry, answer: bytes | None = None
) -> None:
    """Store what has changed of an inquiry, and its answer, encrypted, where there is one."""
    await connection.execute(
        _SAVE,
        inquiry.store_id,
        inquiry.inquiry_id,
        inquiry.role,
        inquiry.passed_by,
        inquiry.passed_at,
        inquiry.due_at,
        inquiry.answered_at,
        inquiry.answered_by,
        answer,
    )


async def lock_inquiry(connection: Connection, store_id: str, inquiry_id: str) -> Inquiry:
    """Return the inquiry, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    row = await connection.fetchrow(
        _INQUIRIES.select + "WHERE store_id = $1 AND inquiry_id = $2 FOR UPDATE",
        store_id,
        inquiry_id,
    )
    if row is None:
        raise unknown("inquiry_id", inquiry_id)
    return _INQUIRIES.read(row)


async def list_inquiries(
    connection: Connection,
    store_id: str,
    statuses: Sequence[InquiryStatus],
    subjects: Sequence[InquirySubject],
    customer_ref: str | None,
    after: str | None,
    limit: int,
) -> list[StoredInquiry]:
    """Return inquiries behind ``after``, the latest first."""
    rows = await connection.fetch(
        _LISTED, store_id, list(statuses), list(subjects), customer_ref, after, limit
    )
    return list(map(_stored, rows))


async def open_inquiries_of_roles(
    connection: Connection, store_id: str, roles: Collection[str]
) -> list[StoredInquiry]:
    """Return the open inquiries that were passed on to departments, by deadline."""
    return list(map(_stored, await connection.fetch(_OF_ROLES, store_id, sorted(roles))))


async def count_by_subject(
    connection: Connection, store_id: str, begin: datetime, until: datetime, now: datetime
) -> list[SubjectCount]:
    """Return the numbers of inquiries recorded in a time, the commonest subject first."""
    rows = await connection.fetch(_SUBJECTS, store_id, begin, until, now)
    return [SubjectCount(**dict(row)) for row in rows]


def _stored(row: Any) -> StoredInquiry:
    return StoredInquiry(_INQUIRIES.read(row), row["question"], row["answer"])
