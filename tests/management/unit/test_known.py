"""What content names is known, and what may be a mistake is said (R40)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.management.domain.kinds import (
    CATALOG,
    CONTENT,
    PRICES,
    RULES,
    STAFF,
    STORES,
    Collection,
    Content,
)
from services.management.domain.known import Given, Known, Named
from services.management.domain.person import Person
from services.management.domain.record import Decision, Record, define, end
from shared.contracts.base import GROUP
from shared.contracts.management import (
    LaborOperation,
    LaborRate,
    OperationPrice,
    PartMaster,
    PartPrice,
    RecallCampaign,
    ServicePackageDefinition,
    ShiftRules,
)
from shared.contracts.violations import RuleViolation
from tests.support.decisions import profile

TODAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
NAMES = {"zh": "名", "en": "Name"}

days = st.dates(min_value=TODAY, max_value=TODAY + timedelta(days=20))
codes = st.sampled_from(["A", "B", "C"])


def decided(
    collection: Collection, code: str, content: Content, day: date = TODAY, owner: str = GROUP
) -> Record:
    return define(Record(owner, collection, code), content, Decision("0", day, "m", NOW, TODAY))


def part(code: str, day: date = TODAY, price: int = 900, cost: int = 800) -> Record:
    return decided(
        CATALOG,
        f"part:{code}",
        PartMaster.model_validate(
            NAMES
            | {
                "skill_code": "maintenance",
                "unit": "piece",
                "list_price_cents": price,
                "cost_cents": cost,
            }
        ),
        day,
    )


def operation(code: str, skill: str = "maintenance", **parts: int) -> Record:
    content: dict[str, Any] = {
        "skill_code": skill,
        "level": 1,
        "standard_hours": 1,
        "bay": "lift",
        "technicians": 1,
        "parts": parts,
    }
    return decided(CATALOG, f"operation:{code}", LaborOperation.model_validate(NAMES | content))


def package(code: str, *op_codes: str, price: int = 100, **parts: int) -> Record:
    content = {"op_codes": op_codes, "parts": parts, "price_cents": price}
    return decided(
        CATALOG, f"package:{code}", ServicePackageDefinition.model_validate(NAMES | content)
    )


def recall(*op_codes: str) -> Record:
    content = {"brand": "启岳", "op_codes": op_codes}
    return decided(CATALOG, "recall:1", RecallCampaign.model_validate(NAMES | content))


def store(code: str) -> Record:
    return decided(STORES, code, _content("stores", code))


def _content(collection: Any, code: str) -> Any:
    return CONTENT.validate_python(profile(collection, code))


def person(*posts: tuple[str, str | None], shift: str | None = None) -> Record:
    return decided(
        STAFF,
        "p-1",
        Person.model_validate(
            NAMES
            | {
                "posts": [
                    {"role": role, "in_store": where, "full_time": False} for role, where in posts
                ],
                "shift": shift,
            }
        ),
    )


def shifts(*shift_codes: str, owner: str = GROUP) -> Record:
    rules = ShiftRules.model_validate(
        {
            "shifts": [
                NAMES | {"shift": code, "weekdays": [1], "start": "08:00", "finish": "17:00"}
                for code in shift_codes
            ]
        }
    )
    return decided(RULES, "shifts", rules, owner=owner)


def known(*records: Record) -> Known:
    found = Known()
    for each in records:
        found.add(each)
    return found


def refused(found: Known, changed: Record) -> tuple[str, str]:
    with pytest.raises(RuleViolation) as violation:
        found.require(changed)
    return violation.value.rule, violation.value.field


@given(st.sets(codes), st.lists(codes, min_size=1, max_size=5))
def test_first_unknown_operation_is_named(defined: set[str], wanted: list[str]) -> None:
    found = known(*(operation(code) for code in defined))
    missing = [place for place, code in enumerate(wanted) if code not in defined]
    for changed in (package("P", *wanted), recall(*wanted)):
        if missing:
            expected = ("unknown_operation", f"content.op_codes.{missing[0]}")
            assert refused(found, changed) == expected
        else:
            found.require(changed)


def test_unknown_part_is_refused() -> None:
    found = known(operation("A"), part("OIL"))
    found.require(operation("B", OIL=4))
    assert refused(found, operation("B", GONE=1)) == ("unknown_part", "content.parts.GONE")
    assert refused(found, package("P", "A", GONE=1)) == ("unknown_part", "content.parts.GONE")


@given(days, days)
def test_ended_part_is_unknown_from_its_day(ended: date, day: date) -> None:
    oil = end(part("OIL"), Decision("1", ended, "m", NOW, TODAY))
    content = operation("B", OIL=4).changes[-1].content
    assert content
    changed = decided(CATALOG, "operation:B", content, day)
    if day < ended:
        known(oil).require(changed)
    else:
        assert refused(known(oil), changed)[0] == "unknown_part"


def test_part_that_begins_later_is_known() -> None:
    known(part("OIL", TODAY + timedelta(days=9))).require(operation("B", OIL=4))


def test_post_in_unknown_store_is_refused() -> None:
    found = known(store("S01"))
    found.require(person(("technician", "S01"), ("group_manager", None)))
    changed = person(("technician", "S01"), ("technician", "S09"))
    assert refused(found, changed) == ("unknown_store", "content.posts.1.in_store")


@pytest.mark.parametrize("shift", ["early", "own"])
def test_shift_of_group_or_own_store_is_known(shift: str) -> None:
    found = known(store("S01"), store("S02"), shifts("early"), shifts("own", owner="S01"))
    found.require(person(("technician", "S01"), shift=shift))


def test_shift_of_other_store_is_unknown() -> None:
    found = known(store("S01"), store("S02"), shifts("early"), shifts("own", owner="S01"))
    changed = person(("technician", "S02"), shift="own")
    assert refused(found, changed) == ("unknown_shift", "content.shift")


@given(st.integers(0, 10), st.integers(0, 10))
def test_price_below_cost_is_doubted(price: int, cost: int) -> None:
    rules = [each.rule for each in Known().doubts(part("OIL", price=price, cost=cost))]
    assert rules == (["price_zero"] if price == 0 else ["price_below_cost"] if price < cost else [])


def test_free_package_is_doubted() -> None:
    [doubt] = Known().doubts(package("P", "A", price=0))
    assert (doubt.field, doubt.rule) == ("content.price_cents", "price_zero")
    assert Known().doubts(package("P", "A", price=1)) == []


def test_operation_without_labor_rate_is_doubted() -> None:
    found = known(store("S01"))
    assert found.doubts(operation("A")) == []
    [doubt] = Known().doubts(operation("A"))
    assert (doubt.field, doubt.rule) == ("content.skill_code", "no_store_can_do_it")


def test_withdrawn_record_is_unknown_again() -> None:
    found = known(part("OIL"))
    found.add(Record(GROUP, CATALOG, "part:OIL"))
    assert refused(found, operation("B", OIL=4))[0] == "unknown_part"


def given_in(record: Record) -> Given:
    content = record.changes[-1].content
    assert content
    return Given(record.store_id, record.code, content)


def test_named_are_what_contents_name() -> None:
    person_and_work = [person(("technician", "S01"), shift="early"), operation("B", OIL=4)]
    named = Named.of([given_in(each) for each in person_and_work])
    assert named.records == {("stores", "S01"), ("catalog", "part:OIL")}
    assert named.stores_with_shifts == {GROUP, "S01"}
    assert named.skills == {"maintenance"}
    assert (named.costs, named.price_lists) == (frozenset(), frozenset())
    named = Named.of([given_in(part_price("OIL", 1)), given_in(part_price("OIL", 1, "qiyue"))])
    assert named.records == named.costs == {("catalog", "part:OIL")}
    assert named.price_lists == {"qiyue"}


def part_price(number: str, cents: int, price_list: str = "", day: date = TODAY) -> Record:
    content = PartPrice(price_cents=cents)
    if price_list:
        return decided(PRICES, f"part_price:{price_list}:{number}", content, day)
    return decided(PRICES, f"part_price:{number}", content, day, owner="S01")


def test_price_of_unknown_item_is_refused() -> None:
    found = known(part("OIL"), operation("A"))
    found.require(part_price("OIL", 1))
    assert refused(found, part_price("GONE", 1)) == ("unknown_part", "code")
    assert refused(found, part_price("GONE", 1, "qiyue")) == ("unknown_part", "code")
    fixed = decided(PRICES, "operation_price:GONE", OperationPrice(price_cents=1), owner="S01")
    assert refused(found, fixed) == ("unknown_operation", "code")


@given(st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_listed_price_below_cost_is_doubted(price: int, cost: int, own: bool) -> None:
    changed = part_price("OIL", price, "" if own else "qiyue")
    found = Known(parts={("catalog", "part:OIL"): ()})
    found.add(part("OIL", cost=cost))
    found.price_lists.add("qiyue")
    expected = ["price_zero"] if price == 0 else ["price_below_cost"] if price < cost else []
    assert [each.rule for each in found.doubts(changed)] == expected


def test_price_on_list_of_no_store_is_doubted() -> None:
    rate = decided(PRICES, "labor_rate:qiyue:body", LaborRate(price_cents=0))
    doubts = [(each.field, each.rule) for each in Known().doubts(rate)]
    assert doubts == [("content.price_cents", "price_zero"), ("code", "price_list_unused")]
    profile_with_list = _content("stores", "S01").model_copy(update={"price_list": "qiyue"})
    found = known(decided(STORES, "S01", profile_with_list))
    assert [each.rule for each in found.doubts(rate)] == ["price_zero"]
