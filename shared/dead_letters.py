"""Dead letters: events dead-lettered and timers given up, and the decisions on them.

A decision on an event is a mark; the service that dead-lettered it carries it out. A timer that is
replayed is tried again at once, one that is skipped is dropped. The operator who decided is stored.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from shared.contracts import COMPACTED
from shared.contracts.violations import RuleViolation, key_reused
from shared.db import Connection
from shared.envelope import digest_of
from shared.inbox import applied_digest

Decision = Literal["replay", "skip"]

_LATEST_DECISIONS = 50
_MOST = 1000
"""Maximum number of rows of each kind in one response, the oldest first."""

_EVENTS = """
SELECT dead_letter_id::text AS letter_id, store_id, topic AS name, key, sequence, error,
       failed_at AS since, decision, resolved_at, conflict,
       (SELECT count(*) FROM parked_event AS parked
        WHERE NOT letter.conflict AND parked.consumer = letter.consumer
          AND parked.topic = letter.topic AND parked.store_id = letter.store_id
          AND convert_to(parked.key, 'UTF8') = letter.key) AS waiting
FROM dead_letter AS letter
WHERE CASE WHEN $2::bigint IS NULL THEN $1 OR resolved_at IS NULL ELSE dead_letter_id = $2 END
ORDER BY dead_letter_id
LIMIT $3
"""

_GIVEN_UP_TIMERS = """
SELECT timer_id::text AS letter_id, store_id, kind AS name, entity_id, error, given_up_at AS since
FROM timer
WHERE given_up_at IS NOT NULL AND ($1::uuid IS NULL OR timer_id = $1)
ORDER BY given_up_at, timer_id
LIMIT $2
"""

_GAPS = """
SELECT topic, key, store_id, min(sequence) AS sequence, count(*) AS waiting,
       min(parked_at) AS since
FROM parked_event AS parked
WHERE NOT EXISTS (
    SELECT FROM dead_letter AS letter
    WHERE letter.consumer = parked.consumer AND letter.topic = parked.topic
      AND letter.key = convert_to(parked.key, 'UTF8') AND letter.store_id = parked.store_id
      AND letter.resolved_at IS NULL AND NOT letter.conflict)
GROUP BY topic, key, store_id
ORDER BY topic, key, store_id
LIMIT $1
"""

_DECISIONS = """
SELECT letter_id, about, decision, decided_by, decided_at
FROM dead_letter_decision ORDER BY decided_at DESC LIMIT $1
"""

_EVENT_DETAILS = """
SELECT consumer, partition, "offset", headers, value FROM dead_letter WHERE dead_letter_id = $1
"""

_TIMER_DETAILS = """
SELECT due_at, attempts, failures, data FROM timer WHERE timer_id = $1
"""

_DECIDED = """
SELECT letter_id, decision FROM dead_letter_decision WHERE decided_by = $1 AND idempotency_key = $2
"""

_NOTE = """
INSERT INTO dead_letter_decision
    (letter_id, store_id, about, decision, decided_by, idempotency_key)
VALUES ($1, $2, $3, $4, $5, $6)
"""

_UPDATE_DECISION = """
UPDATE dead_letter
SET decision = $2, resolved_at = CASE WHEN store_id = '' THEN now() END
WHERE dead_letter_id = $1
"""

_REPLAYABLE = """
SELECT letter.consumer, letter.topic, letter.store_id, letter.sequence, letter.headers,
       letter.value, letter.conflict, position.key, position.last_sequence,
       parked.headers AS other_headers, parked.value AS other_value
FROM dead_letter AS letter
JOIN stream_position AS position
  ON position.consumer = letter.consumer AND position.topic = letter.topic
  AND position.store_id = letter.store_id AND convert_to(position.key, 'UTF8') = letter.key
LEFT JOIN parked_event AS parked
  ON parked.consumer = letter.consumer AND parked.topic = letter.topic
  AND parked.key = position.key AND parked.store_id = letter.store_id
  AND parked.sequence = letter.sequence
WHERE letter.dead_letter_id = $1
"""

_TRY_AGAIN = """
UPDATE timer
SET attempts = DEFAULT, failures = DEFAULT, next_attempt_at = DEFAULT, error = DEFAULT,
    given_up_at = DEFAULT
WHERE timer_id = $1 AND given_up_at IS NOT NULL
"""

_DROP = "DELETE FROM timer WHERE timer_id = $1 AND given_up_at IS NOT NULL"


class DeadLetter(BaseModel):
    """Event that could not be applied, or timer that could not be handled.

    ``name`` is the event's topic or the timer's kind, ``key`` the event's key or what the
    timer is about, ``waiting`` how many later events of the key wait behind it. Behind a
    ``conflict`` (事件冲突), an event whose sequence another one has, nothing waits.
    """

    letter_id: str
    kind: Literal["event", "timer"]
    store_id: str
    name: str
    key: str
    sequence: int | None = None
    error: str
    since: datetime
    waiting: int = 0
    conflict: bool = False
    decision: Decision | None = None
    resolved_at: datetime | None = None


class DeadLetterDetails(DeadLetter):
    """Dead letter with all its details; ``value`` is the event as it came."""

    details: dict[str, str]
    value: str | None = None


class Gap(BaseModel):
    """Key whose events wait for a missing one; ``sequence`` is the first that waits."""

    topic: str
    key: str
    store_id: str
    sequence: int
    waiting: int
    since: datetime


class DecideDeadLetterResponse(BaseModel):
    """Operator's decision on a dead letter."""

    letter_id: str
    about: str
    decision: Decision
    decided_by: str
    decided_at: datetime


class DeadLetters(BaseModel):
    """Dead letters of one service that need an operator, and the latest decisions."""

    letters: list[DeadLetter]
    gaps: list[Gap]
    decisions: list[DecideDeadLetterResponse]


async def listed(connection: Connection, *, resolved: bool = False) -> DeadLetters:
    """Return all dead letters, and keys that wait; resolved events too if wanted."""
    events = await connection.fetch(_EVENTS, resolved, None, _MOST)
    timers = await connection.fetch(_GIVEN_UP_TIMERS, None, _MOST)
    gaps = await connection.fetch(_GAPS, _MOST)
    decisions = await connection.fetch(_DECISIONS, _LATEST_DECISIONS)
    return DeadLetters(
        letters=[*map(_event, events), *map(_timer, timers)],
        gaps=[Gap.model_validate(dict(row)) for row in gaps],
        decisions=[DecideDeadLetterResponse.model_validate(dict(row)) for row in decisions],
    )


async def found(connection: Connection, letter_id: str) -> DeadLetter:
    """Return one dead letter, resolved or not.

    Raises:
        RuleViolation: there is none.
    """
    number, timer_id = _ids(letter_id)
    if number is not None:
        letters = [_event(row) for row in await connection.fetch(_EVENTS, True, number, 1)]
    else:
        letters = [_timer(row) for row in await connection.fetch(_GIVEN_UP_TIMERS, timer_id, 1)]
    if not letters:
        raise _unknown(letter_id)
    return letters[0]


async def shown(connection: Connection, letter_id: str) -> DeadLetterDetails:
    """Return one dead letter with all its details.

    Raises:
        RuleViolation: there is none.
    """
    letter = await found(connection, letter_id)
    number, timer_id = _ids(letter_id)
    if number is not None:
        row = dict(await connection.fetchrow(_EVENT_DETAILS, number) or {})
        value, details = _text(row.pop("value")), row | row.pop("headers")
    else:
        row = dict(await connection.fetchrow(_TIMER_DETAILS, timer_id) or {})
        value, details = None, row | row.pop("data")
    texts = {name: str(each) for name, each in details.items()}
    return DeadLetterDetails(**letter.model_dump(), details=texts, value=value)


async def decide(
    connection: Connection, letter_id: str, decision: Decision, *, by: str, key: str
) -> None:
    """Replay or skip a dead letter; repeating it with one ``key`` decides once.

    Raises:
        RuleViolation: the key decided something else, there is no such letter, it is resolved, or
            its place in a stream to be replayed in is missing or another event's.
    """
    async with connection.transaction():
        if earlier := await connection.fetchrow(_DECIDED, by, key):
            if (earlier["letter_id"], earlier["decision"]) != (letter_id, decision):
                raise key_reused()
            return
        letter = await found(connection, letter_id)
        if letter.resolved_at:
            raise RuleViolation(
                "already_resolved",
                f"{letter_id} is already resolved.",
                field="decision",
                kind="conflict",
            )
        if decision == "replay" and not letter.store_id:
            raise RuleViolation(
                "no_place_in_stream",
                f"{letter_id} has no place in a stream, so it can only be skipped.",
                field="decision",
                kind="conflict",
            )
        number, timer_id = _ids(letter_id)
        if decision == "replay" and number is not None and await _taken(connection, number):
            raise RuleViolation(
                "sequence_taken",
                f"Another event has the sequence {letter.sequence} of {letter.key}; "
                f"{letter_id} can only be skipped, and what it says be recorded anew.",
                field="decision",
                kind="conflict",
            )
        about = f"{letter.name} {letter.key}"
        await connection.execute(_NOTE, letter_id, letter.store_id, about, decision, by, key)
        if number is not None:
            await connection.execute(_UPDATE_DECISION, number, decision)
        else:
            await connection.execute(_TRY_AGAIN if decision == "replay" else _DROP, timer_id)


async def _taken(connection: Connection, number: int) -> bool:
    """Return whether another event is applied, or waits, at the sequence of a dead letter.

    A compacted topic allows it: an event that is replayed becomes the state.
    """
    row = await connection.fetchrow(_REPLAYABLE, number)
    if row is None or row["topic"] in COMPACTED:
        return False
    own = digest_of(row["headers"], row["value"])
    if row["sequence"] > row["last_sequence"]:
        other = row["other_headers"]
        return other is not None and digest_of(other, row["other_value"]) != own
    if row["conflict"]:
        return True
    applied = await applied_digest(
        connection,
        row["consumer"],
        (row["topic"], row["key"], row["store_id"]),
        row["sequence"],
    )
    return applied not in (None, own)


def _ids(letter_id: str) -> tuple[int | None, UUID | None]:
    """Return the number of an event's dead letter, or the id of a timer."""
    if letter_id.isascii() and letter_id.isdigit() and len(letter_id) < len(str(2**63)):
        return int(letter_id), None
    try:
        return None, UUID(letter_id)
    except ValueError:
        raise _unknown(letter_id) from None


def _unknown(letter_id: str) -> RuleViolation:
    return RuleViolation(
        "unknown_dead_letter",
        f"There is no dead letter {letter_id}.",
        field="letter_id",
        kind="not_found",
    )


def _event(row: Any) -> DeadLetter:
    return DeadLetter.model_validate(dict(row) | {"kind": "event", "key": _text(row["key"])})


def _timer(row: Any) -> DeadLetter:
    content = dict(row)
    return DeadLetter.model_validate(content | {"kind": "timer", "key": content.pop("entity_id")})


def _text(raw: bytes | None) -> str:
    """Return bytes as readable text.

    Bytes that are not UTF-8 are escaped, and so are null characters.
    """
    text = "" if raw is None else raw.decode(errors="backslashreplace")
    return text.replace("\0", "\\0")
