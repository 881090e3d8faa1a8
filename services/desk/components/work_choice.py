"""The choice of work (维修项目): packages, operations, parts with their numbers, and who pays."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from nicegui import ui

from services.desk.catalogue import Catalogue
from services.desk.components.elements import Handler, box, text
from services.desk.components.forms import Form, choices, several
from services.desk.i18n import Words

PAY_TYPES = ("customer", "warranty", "goodwill", "internal")
"""客户自费、保修、善意、内部."""

Line = Mapping[str, Any]


def line_codes(
    catalogue: Catalogue,
    packages: Iterable[str],
    operations: Iterable[str],
    parts: Iterable[str],
) -> list[str]:
    """Every line's code, in the order of the estimate."""
    packed = (catalogue.packages[package_id] for package_id in packages)
    inside = (code for package in packed for code in (*package["operations"], *package["parts"]))
    return [*inside, *operations, *parts]


def work_body(
    codes: Collection[str],
    packages: Sequence[str],
    operations: Sequence[str],
    parts: Mapping[str, int],
    pay_types: Mapping[str, str],
) -> dict[str, Any]:
    """The work as reception wants it, parts by number; only lines among ``codes`` have a payer."""
    return {
        "packages": packages,
        "operations": operations,
        "parts": [{"part_no": part_no, "quantity": count} for part_no, count in parts.items()],
        "pay_types": {code: payer for code, payer in pay_types.items() if code in codes},
    }


class WorkChoice:
    """Fields for the work of an estimate; ``changed`` is called whenever they change."""

    def __init__(
        self,
        t: Words,
        form: Form,
        catalogue: Catalogue,
        lines: Iterable[Line],
        changed: Handler,
    ) -> None:
        self._t = t
        self._catalogue = catalogue
        self._changed = changed
        known = list(lines)
        own = [line for line in known if not line["package_id"]]
        self._quantities = {
            line["code"]: line["quantity"] for line in own if line["kind"] == "part"
        }
        self._pay_types = {line["code"]: line["pay_type"] for line in known}
        packages = list(dict.fromkeys(filter(None, (line["package_id"] for line in known))))
        operations = [line["code"] for line in own if line["kind"] == "labor"]
        self._packages = form.field(
            "packages", several(catalogue.package_choices(), t("Service packages"), packages)
        )
        self._operations = form.field(
            "operations",
            several(catalogue.operation_choices(()), t("Labor operations"), operations),
        )
        self._parts = form.field(
            "parts", several(catalogue.part_choices(), t("Parts"), list(self._quantities))
        )
        self._rows = box("amounts")
        self._packages.on_value_change(self._rebuild)
        self._operations.on_value_change(self._take_typical_parts)
        self._parts.on_value_change(self._rebuild)
        self._show_rows()

    @property
    def body(self) -> dict[str, Any]:
        """The work as reception wants it."""
        return work_body(
            self._codes(),
            self._packages.value,
            self._operations.value,
            {part_no: self._quantities.get(part_no, 1) for part_no in self._parts.value},
            self._pay_types,
        )

    def _codes(self) -> list[str]:
        return line_codes(
            self._catalogue, self._packages.value, self._operations.value, self._parts.value
        )

    async def _take_typical_parts(self) -> None:
        """Parts that a newly chosen operation commonly takes come with it."""
        typical = self._catalogue.typical_parts(self._operations.value)
        new = {no: count for no, count in typical.items() if no not in self._quantities}
        self._quantities |= new
        if new:
            self._parts.set_value([*self._parts.value, *new])
        else:
            await self._rebuild()

    async def _rebuild(self) -> None:
        self._show_rows()
        await self._changed()

    def _show_rows(self) -> None:
        self._rows.clear()
        with self._rows:
            for code in self._codes():
                self._row(code)

    def _row(self, code: str) -> None:
        catalogue = self._catalogue
        name = catalogue.operation(code) if code in catalogue.operations else catalogue.part(code)
        with box("amount"):
            text(name, "amount-name")
            if code in self._parts.value:
                self._quantity(code)
            ui.select(
                choices(self._t, "pay", PAY_TYPES),
                value=self._pay_types.get(code, "customer"),
                on_change=lambda event: self._pay(code, event.value),
            ).props("dense outlined options-dense").classes("amount-payer")

    def _quantity(self, part_no: str) -> None:
        async def change(event: Any) -> None:
            self._quantities[part_no] = int(event.value or 1)
            await self._changed()

        quantity = self._quantities.setdefault(part_no, 1)
        ui.number(value=quantity, min=1, max=100, precision=0, on_change=change).props(
            "dense outlined"
        ).classes("amount-number")

    async def _pay(self, code: str, pay_type: str) -> None:
        self._pay_types[code] = pay_type
        await self._changed()
