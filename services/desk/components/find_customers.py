"""Finding a person or a vehicle (查找客户), in the top bar of every page and on its own page."""

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import badge, box, link, test_id, text
from services.desk.components.problems import error_text, unavailable_text
from services.desk.components.tier import tier_badge
from services.desk.context import PageContext
from services.desk.session import SignedOutError
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.crm.models import FoundCustomer, FoundVehicle, SearchCustomersRequest

_SHORTEST = 2
_MOST_SIGNS = 80


class FindCustomers:
    """Field for what is known of a person or a vehicle, and the list of those found below it.

    The only one found is opened at once. Keyboard: "/" goes to the field of the top bar, the arrow
    keys through the list, Escape closes it.
    """

    def __init__(self, ctx: PageContext, name: str) -> None:
        self._ctx = ctx
        label = ctx.t("Name, phone, plate or VIN")
        with box(f"find {name}"):
            typed = ui.input(placeholder=label).props("outlined dense")
            typed.props["maxlength"] = _MOST_SIGNS
            typed.props["aria-label"] = label
            self.typed = test_id(name, typed)
            with typed.add_slot("prepend"):
                ui.icon("search")
            self._list = test_id(f"{name}-list", box("find-list").props("role=status"))
        self.typed.on("keydown.enter", self.find)
        self.typed.on("keydown.escape", self._list.clear)

    async def find(self) -> None:
        """Show the customers found, or open the only one."""
        asked = str(self.typed.value or "").strip()
        if len(asked) < _SHORTEST:
            self._say(self._ctx.t("Type at least two characters."))
            return
        try:
            found = await self._ctx.services.crm.search_customers(
                self._ctx.store.id, SearchCustomersRequest(text=asked)
            )
            await self._ctx.stores()
        except ApiError as error:
            self._say(error_text(self._ctx.t, error))
        except ServiceUnavailableError as unavailable:
            self._say(unavailable_text(self._ctx.t, unavailable))
        except SignedOutError:
            ui.navigate.to("/sign-in")
        else:
            self._show(found)

    def _say(self, sentence: str) -> None:
        self._list.clear()
        with self._list:
            text(sentence, "hint find-says")

    def _show(self, found: list[FoundCustomer]) -> None:
        if not found:
            self._say(self._ctx.t("Not in customer records."))
        elif len(found) == 1:
            ui.navigate.to(_address(found[0]))
        else:
            self._list.clear()
            with self._list:
                for each in found:
                    self._entry(each)

    def _entry(self, found: FoundCustomer) -> None:
        t = self._ctx.t
        with test_id("found-customer", box("find-entry")):
            with box("find-who"):
                link(found.name or formats.NOTHING, _address(found), "text-link find-link")
                if found.tier:
                    tier_badge(t, found.tier)
                if found.store_id != self._ctx.store.id:
                    badge(t.of(self._ctx.store_of(found.store_id)), "calm")
                text(t.code("match", found.matched), "hint find-match")
            for vehicle in found.vehicles:
                self._vehicle(found, vehicle)

    def _vehicle(self, found: FoundCustomer, vehicle: FoundVehicle) -> None:
        address = f"/stores/{found.store_id}/vehicles/{vehicle.vehicle_ref}"
        role = self._ctx.t.code("vehicle_role", vehicle.role)
        with box("find-vehicle"):
            link(vehicle.plate or formats.NOTHING, address, "text-link find-link plate")
            text(f"{vehicle.brand} {vehicle.model} · {role}", "hint")


def _address(found: FoundCustomer) -> str:
    return f"/stores/{found.store_id}/customers/{found.customer_ref}"
