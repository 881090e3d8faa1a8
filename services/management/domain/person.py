"""A person of the staff (员工) as management knows them, and checks of their profile."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from services.management.domain import errors
from services.management.domain.references import Reference
from shared.contracts.base import GROUP, DisplayName
from shared.contracts.management import GROUP_ROLES, SKILLS, STORE_ROLES, StaffProfile
from shared.contracts.violations import RuleViolation


class Person(StaffProfile):
    """Profile of a person with their names and telephone, which are never announced."""

    zh: DisplayName
    en: DisplayName
    telephone: Annotated[str, Field(max_length=40)] | None = None


def check(person: Person) -> None:
    """Check posts, skills, certificates and leave.

    Raises:
        RuleViolation: a store or the group has no such role, two posts are full-time, a post stands
            twice, a skill is unknown, or a certificate or a leave ends before it begins.
    """
    _check_posts(person)
    for skill in person.skills:
        if skill not in SKILLS:
            raise errors.unknown_skill(skill, f"content.skills.{skill}")
    for place, certificate in enumerate(person.certificates):
        first, last = certificate.valid_from, certificate.expires_on
        if first and last and last < first:
            raise errors.ends_before_it_begins(f"content.certificates.{place}.expires_on")
    for place, leave in enumerate(person.leave):
        if leave.last_day < leave.first_day:
            raise errors.ends_before_it_begins(f"content.leave.{place}.last_day")


def references(person: Person, *_: str) -> Iterator[Reference]:
    """Return the stores of the posts."""
    for place, post in enumerate(person.posts):
        if post.in_store:
            field = f"content.posts.{place}.in_store"
            yield Reference(("stores", post.in_store), errors.unknown_store(post.in_store, field))


def check_owner(person: Person, store_id: str) -> None:
    """Check that a store decides on posts in itself alone; the group decides on all others.

    Raises:
        RuleViolation: a post is in another store, or in the group.
    """
    if store_id == GROUP:
        return
    for place, post in enumerate(person.posts):
        if post.in_store != store_id:
            raise RuleViolation(
                "post_elsewhere",
                "A store decides on posts in itself; the group decides on all others.",
                field=f"content.posts.{place}.in_store",
                store=store_id,
            )


def decided_by(person: Person, _: str) -> str:
    """Return the store of all posts, which decides on the person; of several places, GROUP."""
    places = {post.in_store or GROUP for post in person.posts}
    return places.pop() if len(places) == 1 else GROUP


def _check_posts(person: Person) -> None:
    seen = set[tuple[str, str | None]]()
    full_time = set[str | None]()
    for place, post in enumerate(person.posts):
        roles = STORE_ROLES if post.in_store else GROUP_ROLES
        if post.role not in roles:
            raise errors.no_such_role_there(post.role, f"content.posts.{place}.role", roles)
        if (post.role, post.in_store) in seen:
            raise RuleViolation(
                "post_twice",
                f"The post {post.role} stands there twice.",
                field=f"content.posts.{place}.role",
            )
        seen.add((post.role, post.in_store))
        if post.full_time:
            full_time.add(post.in_store)
        if len(full_time) > 1:
            raise RuleViolation(
                "two_full_time_posts",
                "A person has full-time posts in one store at most.",
                field=f"content.posts.{place}.full_time",
            )
