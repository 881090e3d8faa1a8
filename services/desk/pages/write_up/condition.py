"""Vehicle's condition at write-up (接车检查): readings, walkaround, belongings, photos."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypedDict, get_args

from nicegui import ui

from services.desk.client import new_attempt
from services.desk.components.elements import badge, box, test_id, text
from services.desk.components.forms import Form
from services.desk.components.photos import gallery, photo_button
from services.desk.context import PageContext
from shared.clients.reception.models import PhotoView
from shared.contracts.reception import (
    OdometerDiscrepancyReason,
    WalkaroundDamage,
    WalkaroundDamageKind,
    WalkaroundPosition,
)

POSITIONS: tuple[WalkaroundPosition, ...] = (
    "front",
    "left",
    "windshield",
    "right",
    "roof",
    "interior",
    "wheels",
    "rear",
    "trunk",
)
"""Places on the vehicle in the order of a walk around it (环车检查)."""

DAMAGES: tuple[WalkaroundDamageKind, ...] = get_args(WalkaroundDamageKind)


class VehicleCheck(TypedDict):
    """Vehicle's condition, by the fields of the request that opens an order."""

    odometer_km: int
    odometer_discrepancy_reason: OdometerDiscrepancyReason | None
    fuel_or_charge_percent: int | None
    walkaround_damages: list[WalkaroundDamage]
    belongings: str | None
    waiting_customer: bool


class Condition:
    """Odometer, energy, findings by position (环车检查), belongings (随车物品) and photos."""

    def __init__(self, ctx: PageContext, order_id: str, form: Form) -> None:
        self._ctx = ctx
        self._order_id = order_id
        self._form = form
        self._damages: dict[WalkaroundPosition, set[WalkaroundDamageKind]] = {
            position: set() for position in POSITIONS
        }
        self._photos: list[PhotoView] = []

    def show(self, known_km: Callable[[], int]) -> None:
        """Show the fields; ``known_km`` returns the last known reading."""
        t = self._ctx.t
        self._known_km = known_km
        with box("fields"):
            self.odometer = self._form.field(
                "odometer_km", ui.number(t("Odometer"), min=0, precision=0, suffix="km")
            )
            self.energy = self._form.field(
                "fuel_or_charge_percent",
                ui.number(t("Fuel or charge"), min=0, max=100, precision=0, suffix="%"),
            )
            reasons = {
                reason: t.code("odometer", reason) for reason in get_args(OdometerDiscrepancyReason)
            }
            self._replacement = self._form.field(
                "odometer_discrepancy_reason",
                ui.select(reasons, label=t("Why the odometer is lower"), clearable=True),
            )
            self._replacement.set_visibility(False)
            self.waits = ui.checkbox(t("Waiter (customer waiting)"))
            test_id("waiting_customer", self.waits)
        self._last_km = text("", "hint")
        self.odometer.on_value_change(self.compare)
        text(t("Walkaround"), "section-title")
        with box("walkaround"):
            for position in POSITIONS:
                self._position(position)
        self._belongings = self._form.field(
            "belongings", ui.input(t("Belongings left in the vehicle"))
        )
        self._show_photos()

    def compare(self) -> None:
        """Ask for a reason when the reading is below the last one."""
        known, value = self._known_km(), self.odometer.value
        lower = value is not None and value < known
        self._replacement.set_visibility(lower or bool(self._replacement.value))
        told = self._ctx.t("Last reading: {km} km", km=f"{known:,}") if known else ""
        self._last_km.set_text(told)

    def ask_why_lower(self) -> None:
        """Ask for a reason when the reading is below one that is known elsewhere."""
        self._replacement.set_visibility(True)

    def check(self) -> VehicleCheck:
        """Return the condition as it was taken down."""
        energy = self.energy.value
        return VehicleCheck(
            odometer_km=int(self.odometer.value),
            odometer_discrepancy_reason=self._replacement.value,
            fuel_or_charge_percent=None if energy is None else int(energy),
            walkaround_damages=[
                WalkaroundDamage(position=position, damage=damage)
                for position, damages in self._damages.items()
                for damage in DAMAGES
                if damage in damages
            ],
            belongings=self._belongings.value or None,
            waiting_customer=self.waits.value,
        )

    def _position(self, position: WalkaroundPosition) -> None:
        """Add a place on the vehicle; a click lists its possible damages."""
        t, found = self._ctx.t, self._damages[position]
        with test_id(f"position-{position}", box(f"position at-{position}")) as tile:
            tile.props("role=button tabindex=0")
            text(t.code("position", position), "position-name")
            marks = box("position-marks")
            with ui.menu() as menu:
                for damage in DAMAGES:
                    item = ui.menu_item(
                        t.code("damage", damage),
                        partial(self._toggle, damage, found, marks),
                        auto_close=False,
                    )
                    test_id(f"damage-{damage}", item)
            tile.on("keydown.enter", menu.open)

    def _toggle(
        self, damage: WalkaroundDamageKind, found: set[WalkaroundDamageKind], marks: ui.element
    ) -> None:
        found.symmetric_difference_update({damage})
        marks.clear()
        with marks:
            for each in DAMAGES:
                if each in found:
                    badge(self._ctx.t.code("damage", each), "warn")

    def _show_photos(self) -> None:
        t = self._ctx.t
        positions = {position: t.code("position", position) for position in POSITIONS}

        def send(picture: bytes) -> Awaitable[PhotoView]:
            return self._ctx.services.reception.add_order_photo(
                self._ctx.store.id,
                self._order_id,
                picture,
                kind="walkaround",
                position=position.value,
                idempotency_key=new_attempt(),
            )

        async def taken(photo: PhotoView) -> None:
            self._photos.append(photo)
            shown.clear()
            with shown:
                gallery(self._ctx, self._photos)

        with box("photo-bar"):
            photo_button(self._ctx, t("Take photos"), send, taken, name="photos")
            position = ui.select(positions, label=t("Position"), clearable=True)
            position.props("outlined dense").classes("photo-position")
        shown = box("shown-photos")
