"""Posts of the callers of the workshop: a technician whose record ended finishes what they have."""

from collections.abc import Sequence
from datetime import date

from services.workshop import persistence
from services.workshop.domain.clocking import clocked_in
from shared.contracts.dated import content_on
from shared.contracts.management import PersonDefined, Post
from shared.db import Connection, limit
from shared.master_data import MasterData

_TECHNICIAN = "technician"


async def posts_of(
    data: MasterData, connection: Connection, person_id: str, day: date
) -> Sequence[Post] | None:
    """Return the posts of a person on ``day``, None for a person who never had one.

    A post of a technician that has ended stays theirs until their clock there stops.
    """
    states = await data.get(connection, PersonDefined, [person_id])
    if person_id not in states:
        return None
    versions = states[person_id].versions
    profile = content_on(versions, day)
    posts = profile.posts if profile else ()
    former = {
        post.in_store: post
        for version in versions
        if version.content and version.valid_from <= day.isoformat()
        for post in version.content.posts
        if post.role == _TECHNICIAN and post.in_store and post not in posts
    }
    running = [
        post
        for store_id, post in former.items()
        if store_id and await _clock_runs(connection, store_id, person_id)
    ]
    return (*posts, *running)


async def _clock_runs(connection: Connection, store_id: str, person_id: str) -> bool:
    await limit(connection, [store_id])
    open_jobs = await persistence.open_jobs(connection, store_id)
    return any(person_id in clocked_in(job.clockings) for job in open_jobs)
