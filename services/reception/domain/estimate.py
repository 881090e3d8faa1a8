"""The estimate (估价): labor operations at standard hours times the store's rate, plus parts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.reception.domain import errors
from services.reception.domain.money import allocate, rounded_cents
from services.reception.domain.prices import Prices
from shared.contracts.reception import EstimateLine, LaborOperation, PayType
from shared.contracts.violations import unknown_code


@dataclass(frozen=True)
class CatalogOperation:
    """Labor operation of the catalog (维修项目).

    It has standard hours (标准工时), for which it takes so many ``technicians``.
    """

    op_code: str
    skill_code: str
    standard_hours: float
    technicians: int = 1


@dataclass(frozen=True)
class PartQuantity:
    """Quantity of one part."""

    part_number: str
    quantity: int


@dataclass(frozen=True)
class ServicePackage:
    """Operations and parts at one price in cents, tax included (服务套餐)."""

    package_id: str
    op_codes: tuple[str, ...]
    parts: tuple[PartQuantity, ...]
    price_cents: int


@dataclass(frozen=True)
class PriceList:
    """What a store offers, with the prices that hold in it."""

    operations: Mapping[str, CatalogOperation]
    prices: Prices
    packages: Mapping[str, ServicePackage] = field(default_factory=dict)


@dataclass(frozen=True)
class RequestedWork:
    """Requested work with the payer of each operation or part by code, else the customer."""

    op_codes: tuple[str, ...] = ()
    parts: tuple[PartQuantity, ...] = ()
    packages: tuple[str, ...] = ()
    pay_types: Mapping[str, PayType] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """Lines of an estimate and their sum in cents."""

    labor_operations: tuple[LaborOperation, ...]
    lines: tuple[EstimateLine, ...]

    @property
    def total_cents(self) -> int:
        return sum_of(self.lines)


def sum_of(lines: Iterable[EstimateLine]) -> int:
    """Return the sum of the lines' amounts, in cents."""
    return sum(line.amount_cents for line in lines)


def payable_cents(lines: Iterable[EstimateLine]) -> int:
    """Return the customer's part of the lines, in cents."""
    return sum_of(line for line in lines if line.pay_type == "customer")


def estimate(
    prices: PriceList, work: RequestedWork, agreed: Sequence[EstimateLine] = ()
) -> Estimate:
    """Price the work; the lines of a package share its price by their list prices.

    What the customer has ``agreed`` to keeps its price and hours.

    Raises:
        RuleViolation: no work is named, an operation, part or package is not in the catalog, an
            operation is named twice, the store has no rate for one, or a pay type belongs to no
            line.
    """
    kept = [line for line in agreed if not line.package_id]
    lines: list[EstimateLine] = []
    for package_id in work.packages:
        of_package = [line for line in agreed if line.package_id == package_id]
        lines += of_package or _package_lines(prices, package_id)
    lines += _labor_lines(prices, work.op_codes, kept)
    lines += _part_lines(prices, work.parts, kept)
    operations = tuple(
        LaborOperation(op_code=line.code, standard_hours=line.standard_hours or 0)
        for line in lines
        if line.kind == "labor"
    )
    _check(operations, lines, work.pay_types)
    return Estimate(
        operations,
        tuple(
            line.model_copy(update={"pay_type": work.pay_types.get(line.code, "customer")})
            for line in lines
        ),
    )


def _check(
    operations: Iterable[LaborOperation],
    lines: Sequence[EstimateLine],
    pay_types: Mapping[str, PayType],
) -> None:
    counts = Counter(operation.op_code for operation in operations)
    if not lines:
        raise errors.nothing_to_do()
    for op_code, count in counts.items():
        if count > 1:
            raise errors.named_twice("op_codes", op_code)
    for code in pay_types.keys() - {line.code for line in lines}:
        raise errors.pay_type_without_line(code)


def _package_lines(prices: PriceList, package_id: str) -> list[EstimateLine]:
    package = prices.packages.get(package_id)
    if package is None:
        raise unknown_code("packages", package_id)
    lines = [
        *_labor_lines(prices, package.op_codes, field="packages"),
        *_part_lines(prices, package.parts, field="packages"),
    ]
    amounts = allocate(package.price_cents, [line.amount_cents for line in lines])
    return [
        line.model_copy(update={"amount_cents": amount, "package_id": package_id})
        for line, amount in zip(lines, amounts, strict=True)
    ]


def _labor_lines(
    prices: PriceList,
    op_codes: Iterable[str],
    agreed: Iterable[EstimateLine] = (),
    field: str = "op_codes",
) -> Iterator[EstimateLine]:
    """Return the lines as they are agreed, else at list price, each rounded half up."""
    kept = {line.code: line for line in agreed if line.kind == "labor"}
    for op_code in op_codes:
        if op_code in kept:
            yield kept[op_code]
            continue
        operation = prices.operations.get(op_code)
        if operation is None:
            raise unknown_code(field, op_code)
        yield EstimateLine(
            kind="labor",
            code=op_code,
            quantity=1,
            standard_hours=operation.standard_hours,
            amount_cents=_labor_cents(prices.prices, operation, field),
        )


def _labor_cents(prices: Prices, operation: CatalogOperation, field: str) -> int:
    """Return the fixed price of an operation, else its standard hours at the rate of its skill."""
    if operation.op_code in prices.operations:
        return prices.operations[operation.op_code]
    rate = prices.labor_rates.get(operation.skill_code)
    if rate is None:
        raise errors.no_labor_rate(field, operation.skill_code)
    return rounded_cents(Decimal(str(operation.standard_hours)) * rate)


def _part_lines(
    prices: PriceList,
    parts: Iterable[PartQuantity],
    agreed: Iterable[EstimateLine] = (),
    field: str = "parts",
) -> Iterator[EstimateLine]:
    """Return the lines at the price agreed for one unit, else at list price."""
    kept = {line.code: line.amount_cents // line.quantity for line in agreed if line.kind == "part"}
    for part in parts:
        price = kept.get(part.part_number, prices.prices.parts.get(part.part_number))
        if price is None:
            raise unknown_code(field, part.part_number)
        yield EstimateLine(
            kind="part",
            code=part.part_number,
            quantity=part.quantity,
            amount_cents=price * part.quantity,
        )
