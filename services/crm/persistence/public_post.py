"""Posts and articles about a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.crm.domain.public_post import PublicPost, PublicPostStatus
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_POSTS = Table(
    "public_post",
    PublicPost,
    key=("store_id", "public_post_id"),
    added=("summary", "link"),
    separate=("answer",),
)

_SAVE = """
UPDATE public_post
SET complaint_id = $3, overdue_at = $4, answered_at = $5, answered_by = $6,
    answer = coalesce($7, answer)
WHERE store_id = $1 AND public_post_id = $2
"""

_LISTED = f"""
SELECT {_POSTS.column_list}, summary, link, answer FROM public_post
WHERE store_id = $1
  AND CASE WHEN answered_at IS NOT NULL THEN 'answered'
           WHEN overdue_at IS NOT NULL THEN 'overdue'
           ELSE 'open' END = ANY ($2)
  AND ($3::text IS NULL OR complaint_id = $3)
  AND ($4::text IS NULL
       OR (logged_at, public_post_id) < (SELECT logged_at, public_post_id FROM public_post
                                         WHERE store_id = $1 AND public_post_id = $4))
ORDER BY logged_at DESC, public_post_id DESC
LIMIT $5
"""


@dataclass(frozen=True)
class StoredPost:
    """A post with its texts, still encrypted."""

    post: PublicPost
    summary: bytes
    link: bytes | None
    answer: bytes | None


async def add_post(
    connection: Connection, post: PublicPost, summary: bytes, link: bytes | None
) -> None:
    """Store a new post with its texts, encrypted."""
    await connection.execute(_POSTS.insert, *_POSTS.values(post, summary=summary, link=link))


async def save_post(connection: Connection, post: PublicPost, answer: bytes | None = None) -> None:
    """Store what has changed of a post, and its answer, encrypted, where there is a new one."""
    await connection.execute(
        _SAVE,
        post.store_id,
        post.public_post_id,
        post.complaint_id,
        post.overdue_at,
        post.answered_at,
        post.answered_by,
        answer,
    )


async def lock_post(connection: Connection, store_id: str, public_post_id: str) -> PublicPost:
    """Return the post, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    row = await connection.fetchrow(
        _POSTS.select + "WHERE store_id = $1 AND public_post_id = $2 FOR UPDATE",
        store_id,
        public_post_id,
    )
    if row is None:
        raise unknown("public_post_id", public_post_id)
    return _POSTS.read(row)


async def list_posts(
    connection: Connection,
    store_id: str,
    statuses: Sequence[PublicPostStatus],
    complaint_id: str | None,
    after: str | None,
    limit: int,
) -> list[StoredPost]:
    """Return posts behind ``after``, the latest first."""
    rows = await connection.fetch(_LISTED, store_id, list(statuses), complaint_id, after, limit)
    return list(map(_stored, rows))


def _stored(row: Any) -> StoredPost:
    return StoredPost(_POSTS.read(row), row["summary"], row["link"], row["answer"])
