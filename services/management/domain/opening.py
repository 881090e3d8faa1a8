"""Opening of a store like another one (新店开业): what it takes over, and under which codes."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.management.domain import errors
from services.management.domain.kinds import Content
from services.management.domain.record import Record, content_on
from shared.contracts.management import StoreProfile


def profile_of(like: Record, day: date) -> StoreProfile:
    """Return the profile of the store ``like`` which another opens on ``day``.

    Raises:
        RuleViolation: there is no such store, or it is closed on that day.
    """
    content = content_on(like.versions, day)
    if isinstance(content, StoreProfile):
        return content
    if like.versions:
        raise errors.like_store_closed(like.code, day)
    raise errors.unknown_store(like.code, "like")


def profile_like(profile: StoreProfile, own: Mapping[str, Any]) -> StoreProfile:
    """Return a profile with the ``own`` names, place, hours and rates of a new store.

    Devices and closed days of the other store are not those of the new one.
    """
    given = {name: value for name, value in own.items() if value is not None}
    return StoreProfile.model_validate(
        profile.model_dump() | {"closed_days": (), "networks": ()} | given
    )


def bays_like(bays: Mapping[str, Content], like: str, code: str) -> dict[str, Content]:
    """Return the bays of the store ``like`` under the ids of a new one: S07-lift-1, for example."""
    return {f"{code}-{bay_id.removeprefix(f'{like}-')}": bay for bay_id, bay in bays.items()}
