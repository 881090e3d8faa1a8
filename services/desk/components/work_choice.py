"""Choice of work (维修项目): packages, operations, parts with their numbers, and payers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, get_args

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from services.desk import catalog as catalogs
from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import Handler, box, test_id, text
from services.desk.components.forms import Form, FoundChoice, choices, several
from services.desk.i18n import Translator
from shared.clients.reception.models import PartLine
from shared.contracts.reception import PayType


class Line(catalogs.Line, Protocol):
    """Line of an estimate, as far as a choice of work shows it."""

    @property
    def pay_type(self) -> PayType: ...

    @property
    def quantity(self) -> int: ...

    @property
    def package_id(self) -> str | None: ...

    @property
    def amount_cents(self) -> int | None: ...


class WorkChoice:
    """Fields for the work of an estimate, with the work of ``lines``, whose names are known,
    chosen; ``changed`` is called on every change.

    Operations that commonly fix ``symptoms`` are offered first.
    """

    def __init__(
        self,
        t: Translator,
        form: Form,
        catalog: Catalog,
        lines: Iterable[Line],
        changed: Handler,
    ) -> None:
        self._t = t
        self._catalog = catalog
        self._changed = changed
        self.symptoms: Sequence[str] = ()
        known = list(lines)
        own = [line for line in known if not line.package_id]
        self._quantities: dict[str, int] = {
            line.code: line.quantity for line in own if line.kind == "part"
        }
        self._pay_types: dict[str, PayType] = {line.code: line.pay_type for line in known}
        packages = list(dict.fromkeys(filter(None, (line.package_id for line in known))))
        operations = [line.code for line in own if line.kind == "labor"]
        self.operations = form.field(
            "op_codes",
            FoundChoice(
                t, t("Labor operations"), self._find_operations, catalog.operation_label, operations
            ),
        )
        self._parts = form.field(
            "parts", part_choice(t, catalog, t("Parts"), list(self._quantities))
        )
        self._packages = form.field(
            "packages", several(catalog.package_choices(), t("Service packages"), packages)
        )
        self._rows = box("amounts")
        self.operations.on_value_change(self._take_typical_parts)
        self._parts.on_value_change(self._rebuild)
        self._packages.on_value_change(self._rebuild)
        self._show_rows()

    @property
    def is_empty(self) -> bool:
        """Whether no work is chosen."""
        return not (self.operations.value or self._packages.value)

    @property
    def packages(self) -> list[str]:
        return list(self._packages.value)

    @property
    def op_codes(self) -> list[str]:
        return list(self.operations.value)

    @property
    def parts(self) -> list[PartLine]:
        return [
            PartLine(part_number=part_number, quantity=self._quantities.get(part_number, 1))
            for part_number in self._parts.value
        ]

    @property
    def pay_types(self) -> dict[str, PayType]:
        """Return the payer of each line, by its code."""
        return {code: self._payer(code) for code in self._codes()}

    async def take_in(
        self, operations: Mapping[str, int], parts: Mapping[str, int], pay_type: PayType
    ) -> None:
        """Add operations and parts, each with its quantity, that ``pay_type`` pays."""
        self._pay_types |= dict.fromkeys((*operations, *parts), pay_type)
        self._quantities |= parts
        await self._catalog.parts.know(parts)
        self._parts.choose(parts)
        self.operations.choose(operations)

    async def _find_operations(self, typed: str) -> Mapping[str, str]:
        return await self._catalog.find_operations(typed, self.symptoms)

    def _codes(self) -> list[str]:
        """Return every line's code, in the order of the estimate."""
        chosen = (self._catalog.packages[each] for each in self._packages.value)
        inside = (code for each in chosen for code in (*each.op_codes, *each.parts))
        return list(dict.fromkeys([*inside, *self.operations.value, *self._parts.value]))

    def _payer(self, code: str) -> PayType:
        return self._pay_types.get(code, "customer")

    async def _take_typical_parts(self) -> None:
        """Add the parts that a newly chosen operation commonly takes."""
        typical = self._catalog.typical_parts(self.operations.value)
        new = {no: count for no, count in typical.items() if no not in self._quantities}
        self._quantities |= new
        if new:
            await self._catalog.parts.know(new)
            self._parts.choose(new)
        else:
            await self._rebuild()

    async def _rebuild(self) -> None:
        await self._catalog.parts.know(set(self._codes()) - self._catalog.operations.keys())
        self._show_rows()
        await self._changed()

    def _show_rows(self) -> None:
        self._rows.clear()
        with self._rows:
            for code in self._codes():
                self._row(code)

    def _row(self, code: str) -> None:
        catalog = self._catalog
        name = catalog.operation(code) if code in catalog.operations else catalog.parts.name(code)
        with box("amount"):
            text(name, "amount-name")
            if code in self._parts.value:
                quantity_field(self._quantities, code, self._changed)
            payer = ui.select(
                choices(self._t, "pay", get_args(PayType)),
                value=self._payer(code),
                on_change=lambda event: self._pay(code, event.value),
            )
            payer.props("dense outlined options-dense").classes("amount-payer")
            test_id(f"payer-{code}", payer)

    async def _pay(self, code: str, pay_type: PayType) -> None:
        self._pay_types[code] = pay_type
        await self._changed()


def part_choice(
    t: Translator,
    catalog: Catalog,
    label: str,
    value: Sequence[str] = (),
    *,
    most: int | None = None,
) -> FoundChoice:
    """Add a choice of parts, of ``most`` if there is a limit; the names of those chosen are
    known.
    """
    return FoundChoice(t, label, catalog.parts.find, catalog.parts.label, value, most=most)


def line_name(catalog: Catalog, line: Line) -> str:
    """Return the work of an estimate line, with the package that it belongs to."""
    name, package_id = catalog.line(line.kind, line.code), line.package_id
    return name if package_id is None else f"{name}（{catalog.package(package_id)}）"


def price_line(catalog: Catalog, line: Line) -> None:
    """Show a line of an estimate with its price."""
    with box("quote-line"):
        count = f" × {line.quantity}" if line.quantity > 1 else ""
        text(line_name(catalog, line) + count)
        text(formats.money(line.amount_cents), "number")


def quantity_field(
    quantities: dict[str, int], part_number: str, changed: Handler | None = None
) -> None:
    """Add a field for the quantity of a part: one, unless ``quantities`` has another."""

    async def change(event: ValueChangeEventArguments[float | None]) -> None:
        quantities[part_number] = int(event.value or 1)
        if changed:
            await changed()

    quantity = quantities.setdefault(part_number, 1)
    made = ui.number(value=quantity, min=1, max=100, precision=0, on_change=change)
    test_id(f"quantity-{part_number}", made.props("dense outlined").classes("amount-number"))
