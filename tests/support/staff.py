"""States of persons, as management publishes them."""

from datetime import date

from shared.contracts.base import GROUP
from shared.contracts.management import PersonDefined, Post, StaffProfile, StaffVersion
from tests.support.catalog import defined

FIRST_DAY = date(2026, 1, 1)


def staff_profile(person_id: str) -> StaffProfile:
    """Return the profile of a person of the demo group."""
    return StaffProfile.model_validate(dict(defined("staff", person_id)))


def staff_record(person_id: str, *versions: tuple[date, StaffProfile | None]) -> PersonDefined:
    """Return the state of a person with these profiles from these days on."""
    posts = [post for _, profile in versions if profile for post in profile.posts]
    return PersonDefined(
        store_id=GROUP,
        record_id=person_id,
        for_stores=tuple(sorted({post.in_store for post in posts if post.in_store})),
        versions=tuple(
            StaffVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )


def person(
    person_id: str, *posts: tuple[str, str | None], since: date = FIRST_DAY, **profile: object
) -> PersonDefined:
    """Return the state of a person with these posts, each a role in a store or in the group.

    Without posts, the person has left.
    """
    held = tuple(Post(role=role, in_store=store) for role, store in posts)
    content = StaffProfile.model_validate({"posts": held, **profile}) if held else None
    return PersonDefined(
        store_id=GROUP,
        record_id=person_id,
        for_stores=tuple(sorted({store for _, store in posts if store})),
        versions=(StaffVersion(valid_from=since.isoformat(), content=content),),
    )
