"""What a person may do follows from their posts, as they are decided now (R40)."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import pytest

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.group import Group
from shared.master_data import MasterData
from shared.posts import CallersPosts
from shared.security import Principal, Role
from tests.support.harness import InProcess, Publisher, in_process, publisher
from tests.support.polling import until
from tests.support.staff import person

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
AGENT = "S01-agent-1"
FOLLOW_UPS = "/stores/{}/follow-ups?status=scheduled"


@pytest.fixture(scope="module")
async def crm(servers: Platform) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        yield running


@pytest.fixture(scope="module")
async def management(servers: Platform) -> AsyncIterator[Publisher]:
    async with publisher(servers) as sending:
        yield sending


async def status(
    crm: InProcess, subject: str, store_id: str, *roles: Role, stores: Iterable[str] = ("S01",)
) -> int:
    token = crm.token(*roles, stores=stores, subject=subject)
    response = await crm.client.get(
        FOLLOW_UPS.format(store_id), headers={"Authorization": f"Bearer {token}"}
    )
    return response.status_code


async def test_posts_count_whatever_token_claims(crm: InProcess) -> None:
    assert await status(crm, AGENT, "S01", "technician", stores=[]) == 200
    assert await status(crm, AGENT, "S02", "service_manager", stores=["S01", "S02"]) == 403
    assert await status(crm, "S01-technician-1", "S01", "customer_care_agent") == 403


async def test_claims_count_without_record(crm: InProcess) -> None:
    assert await status(crm, "program-1", "S01", "customer_care_agent") == 200
    assert await status(crm, "program-1", "S01", "technician") == 403


@pytest.mark.parametrize(
    ("claimed", "counts"),
    [("group_manager", False), ("service_manager", False), ("operator", True), ("system", True)],
)
async def test_claims_of_unknown_person_are_refused(
    crm: InProcess, claimed: Role, counts: bool
) -> None:
    service = crm.app.state.service
    posts = CallersPosts(service.uow_factory, Group(MasterData(), service.clock).posts)
    stranger = Principal("stranger", "stranger", frozenset({claimed}), frozenset({"S01"}), token="")
    found = await posts.apply(stranger, "S01")
    assert (found.roles == {claimed}, found.stores == {"S01"}) == (counts, counts)
    assert await posts.stores_of(stranger, [claimed]) == ({"S01"} if counts else frozenset())


async def test_record_takes_no_role_from_program(crm: InProcess, management: Publisher) -> None:
    await management.publish(person("desk", ("technician", "S01")), at=NOW)
    assert await until(lambda: has_status(crm, "desk", 403), pause_s=0.05)
    desk = Principal("desk", "desk", frozenset({"system"}), frozenset({"S02"}), token="")
    assert await crm.app.state.service.callers_posts.apply(desk, "S02") == desk


@pytest.mark.parametrize(("claim", "everywhere"), [("*", True), ("S02", False)])
async def test_program_may_have_all_stores(crm: InProcess, claim: str, everywhere: bool) -> None:
    program = Principal(
        "reception", "reception", frozenset({"system"}), frozenset({claim}), token=""
    )
    known = await crm.app.state.service.callers_posts.apply(program, "S06")
    assert known.everywhere is everywhere


@pytest.mark.parametrize("store_id", ["%00", "%C3%A9", "S77"])
async def test_odd_store_is_unknown(crm: InProcess, store_id: str) -> None:
    assert await status(crm, "program-1", store_id, "customer_care_agent") == 404


async def test_post_in_another_store_gives_its_roles_there(
    crm: InProcess, management: Publisher
) -> None:
    posts = [("customer_care_agent", "S01"), ("technician", "S02")]
    await management.publish(person("two-posts", *posts), at=NOW)
    assert await until(lambda: has_status(crm, "two-posts", 403, "S02"), pause_s=0.05)
    assert await status(crm, "two-posts", "S01", "technician") == 200


async def has_status(crm: InProcess, subject: str, expected: int, store_id: str = "S01") -> bool:
    stores = ["S01", "S02"]
    return await status(crm, subject, store_id, "customer_care_agent", stores=stores) == expected


async def test_revoked_post_is_refused_within_two_seconds(
    crm: InProcess, management: Publisher
) -> None:
    assert await has_status(crm, AGENT, 200)
    await management.publish(person(AGENT), at=NOW)
    assert await until(lambda: has_status(crm, AGENT, 403), pause_s=0.05)


async def test_group_post_reaches_every_store(crm: InProcess, management: Publisher) -> None:
    await management.publish(person("group-care", ("customer_care_agent", None)), at=NOW)
    assert await until(lambda: has_status(crm, "group-care", 200, "S06"), pause_s=0.05)
