"""Requests for leave, with their encrypted reasons and answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from services.management.domain.leave import LeaveRequest, LeaveStatus
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork

_REQUESTS = Table(
    "leave_request",
    LeaveRequest,
    key=("store_id", "leave_request_id"),
    separate=("reason", "answer"),
)

# Two requests of a person that come at once are decided on one after the other.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('leave/' || $1, 0))"

_OF_PERSON = _REQUESTS.select + "WHERE person_id = $1"

_LISTED = f"""
SELECT {_REQUESTS.column_list}, reason, answer
FROM leave_request
WHERE person_id = ANY ($1) AND status = ANY ($2)
ORDER BY first_day DESC, leave_request_id
LIMIT 500
"""

_ONE = f"""
SELECT {_REQUESTS.column_list}, reason, answer
FROM leave_request
WHERE leave_request_id = $1
"""

_LOCK = _REQUESTS.select + "WHERE leave_request_id = $1 FOR UPDATE"

_SAVE_TEXTS = """
UPDATE leave_request SET reason = coalesce($3, reason), answer = coalesce($4, answer)
WHERE store_id = $1 AND leave_request_id = $2
"""


@dataclass(frozen=True)
class Texts:
    """Encrypted texts: the person's reason, and the manager's answer."""

    reason: bytes | None = None
    answer: bytes | None = None


async def lock_of_person(connection: Connection, person_id: str) -> list[LeaveRequest]:
    """Return a person's requests in scope; another one of theirs waits until the transaction
    ends.
    """
    await connection.execute(_ONE_AT_A_TIME, person_id)
    rows = await connection.fetch(_OF_PERSON, person_id)
    return list(map(_REQUESTS.read, rows))


async def lock(connection: Connection, leave_request_id: str) -> LeaveRequest:
    """Return the request, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such one in scope.
    """
    row = await connection.fetchrow(_LOCK, leave_request_id)
    if row is None:
        raise unknown("leave_request_id", leave_request_id)
    return _REQUESTS.read(row)


async def find(connection: Connection, leave_request_id: str) -> tuple[LeaveRequest, Texts]:
    """Return the request with its texts.

    Raises:
        RuleViolation: there is no such one in scope.
    """
    row = await connection.fetchrow(_ONE, leave_request_id)
    if row is None:
        raise unknown("leave_request_id", leave_request_id)
    return _REQUESTS.read(row), Texts(row["reason"], row["answer"])


async def listed(
    connection: Connection, person_ids: Iterable[str], statuses: Sequence[LeaveStatus]
) -> list[tuple[LeaveRequest, Texts]]:
    """Return the requests of persons in scope, the latest first day first."""
    rows = await connection.fetch(_LISTED, list(person_ids), list(statuses))
    return [(_REQUESTS.read(row), Texts(row["reason"], row["answer"])) for row in rows]


async def save(uow: UnitOfWork, asked: LeaveRequest, texts: Texts) -> LeaveRequest:
    """Store a request as its next version, with the texts that there are, and return it."""
    (saved,) = await uow.save([asked], partial(_write, uow.connection))
    await uow.connection.execute(
        _SAVE_TEXTS, saved.store_id, saved.leave_request_id, texts.reason, texts.answer
    )
    return saved


async def _write(connection: Connection, requests: Sequence[LeaveRequest]) -> None:
    await connection.executemany(_REQUESTS.upsert, map(_REQUESTS.values, requests))
