"""Satisfaction surveys, the questionnaires they were asked by, and their results."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.crm.domain.survey import AskedVersion, Status, Survey
from shared.contracts.crm import VisitStaff
from shared.contracts.management import Questionnaire
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_SURVEYS = Table(
    "survey",
    Survey,
    key=("store_id", "survey_id"),
    json=("scores", "factor_means"),
    separate=("token_hash", "words"),
)

_FIND = _SURVEYS.select + "WHERE store_id = $1 AND survey_id = $2"

_BY_TOKEN = _SURVEYS.select + "WHERE store_id = $1 AND token_hash = $2"

_OF_ORDER = _SURVEYS.select + "WHERE store_id = $1 AND order_id = $2"

_KEEP_VERSION = """
INSERT INTO asked_version (store_id, version, questionnaire) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""

_FIND_VERSIONS = """
SELECT version, questionnaire FROM asked_version WHERE store_id = $1 AND version = ANY ($2)
"""

_NOTE_STAFF = """
INSERT INTO visit_staff (store_id, order_id, role, person_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT DO NOTHING
"""

_STAFF = """
SELECT role, person_id FROM visit_staff
WHERE store_id = $1 AND order_id = $2 ORDER BY role, person_id
"""

_LISTED = (
    _SURVEYS.select
    + """
WHERE store_id = $1
  AND ($2::text IS NULL OR order_id = $2)
  AND CASE WHEN answered_at IS NOT NULL THEN 'answered'
           WHEN expires_at <= $3 THEN 'expired'
           ELSE 'open' END = ANY ($4)
  AND ($5::text IS NULL OR (asked_at, survey_id) < (
      SELECT asked_at, survey_id FROM survey WHERE store_id = $1 AND survey_id = $5))
ORDER BY asked_at DESC, survey_id DESC
LIMIT $6
"""
)

_RESULTS = """
WITH answer AS (
    SELECT order_id, version, channel, csi, factor_means,
           to_char(answered_at AT TIME ZONE $4, 'YYYY-MM') AS month
    FROM survey WHERE store_id = $1 AND answered_at >= $2 AND answered_at < $3
), score (dimension, part, factor, value) AS (
    SELECT 'store', '', '', csi FROM answer
    UNION ALL
    SELECT 'month', month, '', csi FROM answer
    UNION ALL
    SELECT 'version', version, '', csi FROM answer
    UNION ALL
    SELECT 'channel', channel, '', csi FROM answer
    UNION ALL
    SELECT role, person_id, '', csi
    FROM answer JOIN visit_staff USING (order_id) WHERE visit_staff.store_id = $1
    UNION ALL
    SELECT dimension, part, factor.key, factor.value::float8
    FROM answer
    CROSS JOIN jsonb_each_text(factor_means) AS factor
    CROSS JOIN LATERAL (
        VALUES ('store', ''), ('month', month), ('version', version), ('channel', channel)
    ) AS place (dimension, part)
)
SELECT dimension, part, factor, count(*) AS answers, avg(value) AS mean,
       stddev_samp(value) AS deviation
FROM score
GROUP BY dimension, part, factor
ORDER BY dimension, part, factor
"""

_ASKED = """
SELECT count(*) FROM survey WHERE store_id = $1 AND asked_at >= $2 AND asked_at < $3
"""

_OF_STORES = """
SELECT store, answers, mean, deviation FROM survey_results_of_stores($1, $2) ORDER BY store
"""


@dataclass(frozen=True)
class Result:
    """Number, mean and spread of the answers of one part of the results.

    ``factor`` is empty for the CSI of all factors; ``deviation`` is absent of one answer.
    """

    dimension: str
    part: str
    factor: str
    answers: int
    mean: float
    deviation: float | None


async def keep_version(connection: Connection, store_id: str, asked: AskedVersion) -> None:
    """Store the questionnaire by which customers are asked, once."""
    content = asked.questionnaire.model_dump(mode="json")
    await connection.execute(_KEEP_VERSION, store_id, asked.version, content)


async def find_versions(
    connection: Connection, store_id: str, versions: Sequence[str]
) -> dict[str, AskedVersion]:
    """Return questionnaires by which customers were asked, by their versions."""
    rows = await connection.fetch(_FIND_VERSIONS, store_id, list(versions))
    return {
        row["version"]: AskedVersion(
            row["version"], Questionnaire.model_validate(row["questionnaire"])
        )
        for row in rows
    }


async def note_staff(
    connection: Connection, store_id: str, staff: Sequence[tuple[str, str, str]]
) -> None:
    """Store who worked on visits: order, role and person of each."""
    orders, roles, persons = zip(*staff, strict=True)
    await connection.execute(
        _NOTE_STAFF, [store_id] * len(staff), list(orders), list(roles), list(persons)
    )


async def staff_of(connection: Connection, store_id: str, order_id: str) -> list[VisitStaff]:
    """Return who worked on a visit, by role."""
    rows = await connection.fetch(_STAFF, store_id, order_id)
    return [VisitStaff(role=row["role"], person_id=row["person_id"]) for row in rows]


async def is_asked_in_group(connection: Connection, customer_ref: str, since: datetime) -> bool:
    """Return whether the person was asked since then at any store.

    The person is locked until the transaction ends.
    """
    found: bool = await connection.fetchval("SELECT is_asked_in_group($1, $2)", customer_ref, since)
    return found


async def save_survey(connection: Connection, survey: Survey) -> None:
    """Store every field of the survey."""
    await connection.execute(_SURVEYS.upsert, *_SURVEYS.values(survey))


async def save_token(
    connection: Connection, store_id: str, survey_id: str, token_hash: bytes
) -> None:
    """Store the hash of the token of a survey's link."""
    await connection.execute(
        "UPDATE survey SET token_hash = $3 WHERE store_id = $1 AND survey_id = $2",
        store_id,
        survey_id,
        token_hash,
    )


async def save_words(connection: Connection, store_id: str, survey_id: str, words: bytes) -> None:
    """Store what the customer wrote, encrypted."""
    await connection.execute(
        "UPDATE survey SET words = $3 WHERE store_id = $1 AND survey_id = $2",
        store_id,
        survey_id,
        words,
    )


async def encrypted_words(connection: Connection, store_id: str, survey_id: str) -> bytes | None:
    """Return what the customer wrote, still encrypted."""
    words: bytes | None = await connection.fetchval(
        "SELECT words FROM survey WHERE store_id = $1 AND survey_id = $2", store_id, survey_id
    )
    return words


async def find_survey(connection: Connection, store_id: str, survey_id: str) -> Survey:
    """Return a survey.

    Raises:
        RuleViolation: there is no such survey in the store.
    """
    return await _one(connection, _FIND, store_id, survey_id)


async def lock_survey(connection: Connection, store_id: str, survey_id: str) -> Survey:
    """Return a survey, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such survey in the store.
    """
    return await _one(connection, _FIND + " FOR UPDATE", store_id, survey_id)


async def _one(connection: Connection, query: str, store_id: str, survey_id: str) -> Survey:
    row = await connection.fetchrow(query, store_id, survey_id)
    if row is None:
        raise unknown("survey_id", survey_id)
    return _SURVEYS.read(row)


async def survey_of_token(
    connection: Connection, store_id: str, token_hash: bytes
) -> Survey | None:
    """Return the survey to which a link leads."""
    row = await connection.fetchrow(_BY_TOKEN, store_id, token_hash)
    return _SURVEYS.read(row) if row else None


async def survey_of_order(connection: Connection, store_id: str, order_id: str) -> Survey | None:
    """Return the survey about a visit, if there is one."""
    row = await connection.fetchrow(_OF_ORDER, store_id, order_id)
    return _SURVEYS.read(row) if row else None


async def list_surveys(
    connection: Connection,
    store_id: str,
    *,
    order_id: str | None,
    statuses: Sequence[Status],
    before: str | None,
    limit: int,
    now: datetime,
) -> list[Survey]:
    """Return surveys, those asked last first, that were asked ``before`` one of them."""
    rows = await connection.fetch(_LISTED, store_id, order_id, now, list(statuses), before, limit)
    return list(map(_SURVEYS.read, rows))


async def survey_results(
    connection: Connection, store_id: str, begin: datetime, until: datetime, zone: str
) -> dict[str, list[Result]]:
    """Return the results of what was answered in a time, by dimension.

    These are ``store``, ``month``, ``version`` and ``channel``, each with its factors, and the
    roles of those who worked on the visits.
    """
    found: dict[str, list[Result]] = defaultdict(list)
    for row in await connection.fetch(_RESULTS, store_id, begin, until, zone):
        found[row["dimension"]].append(Result(**dict(row)))
    return found


async def asked_count(
    connection: Connection, store_id: str, begin: datetime, until: datetime
) -> int:
    """Return how many customers were asked in a time."""
    count: int = await connection.fetchval(_ASKED, store_id, begin, until)
    return count


async def survey_results_of_stores(
    connection: Connection, begin: datetime, until: datetime
) -> Mapping[str, Result]:
    """Return the CSI of every store of the group that has answers in a time."""
    rows = await connection.fetch(_OF_STORES, begin, until)
    return {
        row["store"]: Result(
            "store", row["store"], "", row["answers"], row["mean"], row["deviation"]
        )
        for row in rows
    }
