"""The estimate (估价): labor operations at standard hours times the store's rate, plus parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from services.reception.domain import errors
from shared.contracts.reception import EstimateLine, OrderedOperation


@dataclass(frozen=True)
class LaborOperation:
    """A labor operation of the catalogue (维修项目) with its standard hours (标准工时)."""

    operation_id: str
    trade: str
    standard_hours: float


@dataclass(frozen=True)
class PriceList:
    """What a store charges: cents per standard hour by trade, cents per part; tax included."""

    operations: Mapping[str, LaborOperation]
    labor_rate_cents: Mapping[str, int]
    part_price_cents: Mapping[str, int]


@dataclass(frozen=True)
class PartQuantity:
    """So many of one part."""

    part_no: str
    quantity: int


@dataclass(frozen=True)
class Estimate:
    """The lines and their sum in cents."""

    operations: tuple[OrderedOperation, ...]
    lines: tuple[EstimateLine, ...]

    @property
    def total_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


def rounded_cents(amount: Decimal) -> int:
    """Half a cent and more goes up."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def included_tax(total_cents: int, rate_bp: int) -> int:
    """The tax that a price with tax contains, ``rate_bp`` in basis points (1300 = 13 %)."""
    return rounded_cents(Decimal(total_cents) * rate_bp / (10_000 + rate_bp))


def estimate(
    prices: PriceList, operation_ids: Sequence[str], parts: Sequence[PartQuantity]
) -> Estimate:
    """Price the operations and parts.

    Raises:
        Refused: an operation or part is not in the catalogue.
    """
    operations = []
    lines = []
    for operation_id in operation_ids:
        operation = prices.operations.get(operation_id)
        if operation is None:
            raise errors.unknown_code("operations", operation_id)
        operations.append(
            OrderedOperation(operation_id=operation_id, standard_hours=operation.standard_hours)
        )
        rate = prices.labor_rate_cents[operation.trade]
        lines.append(
            EstimateLine(
                kind="labor",
                code=operation_id,
                quantity=1,
                standard_hours=operation.standard_hours,
                amount_cents=rounded_cents(Decimal(str(operation.standard_hours)) * rate),
            )
        )
    for part in parts:
        price = prices.part_price_cents.get(part.part_no)
        if price is None:
            raise errors.unknown_code("parts", part.part_no)
        lines.append(
            EstimateLine(
                kind="part",
                code=part.part_no,
                quantity=part.quantity,
                amount_cents=price * part.quantity,
            )
        )
    return Estimate(tuple(operations), tuple(lines))
