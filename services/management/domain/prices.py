"""Checks of prices (价目): on a price list of the group, or those of a store itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.management.domain import errors
from services.management.domain.references import Beside, Doubt, Reference
from shared.contracts.base import GROUP
from shared.contracts.management import SKILLS, OperationPrice, PartPrice, Price
from shared.contracts.violations import RuleViolation

_LIST_CODE = re.compile("[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True)
class PricedItem:
    """Item of a price list (价目表); one of a store itself has no ``price_list``.

    The item is a part number, the code of an operation, or a skill.
    """

    kind: str
    price_list: str | None
    item: str


def priced_item(store_id: str, code: str) -> PricedItem:
    """Return what the price with this code is for.

    Raises:
        RuleViolation: the code of the list is not one, or the code names no item.
    """
    kind, _, rest = code.partition(":")
    price_list, _, item = rest.partition(":") if store_id == GROUP else (None, "", rest)
    if price_list is not None and not _LIST_CODE.fullmatch(price_list):
        raise RuleViolation(
            "unknown_price_list",
            "The code of a group's price is its kind, the code of the price list, and the item.",
            field="code",
        )
    if not item:
        raise errors.unknown_kind(code)
    return PricedItem(kind, price_list, item)


def check_code(store_id: str, code: str) -> None:
    """Check that a labor rate is for a skill, and that any price is for something.

    Raises:
        RuleViolation: the skill is unknown, or the code is not that of a price.
    """
    priced = priced_item(store_id, code)
    if priced.kind == "labor_rate" and priced.item not in SKILLS:
        raise errors.unknown_skill(priced.item, "code")


def references(price: Price, store_id: str, code: str) -> Iterator[Reference]:
    """Return the part or the labor operation that a price is for."""
    item = priced_item(store_id, code).item
    if isinstance(price, PartPrice):
        yield Reference(("catalog", f"part:{item}"), errors.unknown_part(item, "code"))
    if isinstance(price, OperationPrice):
        yield Reference(("catalog", f"operation:{item}"), errors.unknown_operation(item, "code"))


def doubts(price: Price, store_id: str, code: str, beside: Beside) -> Iterator[Doubt]:
    """Return what may be a mistake: a price of 0 or below the cost, or a list that holds in no
    store.
    """
    priced, field = priced_item(store_id, code), "content.price_cents"
    if isinstance(price, PartPrice):
        cost = beside.cost_cents.get(f"part:{priced.item}", 0)
        yield from part_price_doubts(field, price.price_cents, cost)
    elif price.price_cents == 0:
        yield Doubt(field, "price_zero", "The work costs nothing.")
    if priced.price_list is not None and priced.price_list not in beside.price_lists:
        used = errors.most_alike(priced.price_list, beside.price_lists)
        more = f" {errors.known_are(used)}" if used else ""
        yield Doubt(
            "code",
            "price_list_unused",
            f"The price list {priced.price_list} holds in no store.{more}",
            tuple(used),
        )


def part_price_doubts(field: str, price_cents: int, cost_cents: int) -> Iterator[Doubt]:
    """Return what may be a mistake in the price of a part."""
    if price_cents == 0:
        yield Doubt(field, "price_zero", "The part costs nothing.")
    elif price_cents < cost_cents:
        yield Doubt(
            field,
            "price_below_cost",
            f"The part is sold for less than its cost of {cost_cents} cents.",
        )
