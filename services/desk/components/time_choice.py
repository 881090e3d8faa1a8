"""Choosing an appointment time (预约时段): off-peak hours first, above the day's load curve."""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from functools import partial

from nicegui import ui
from pydantic import TypeAdapter

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import badge, box, test_id, text
from services.desk.components.forms import Form, moment_field, moment_of
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import PageContext
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.reception.models import LoadView, OfferedTime, OffersRequest

_BUSY_SHARE = 0.8
_WITH_OFFERS = ("slot_taken", "store_closed", "store_closed_all_day")

_OFFERS = TypeAdapter(list[OfferedTime])


class TimeChoice:
    """Day, the offers from that day on, the load curve of the day, and the chosen time.

    ``op_codes`` returns the requested operations at any time.
    """

    def __init__(
        self,
        ctx: PageContext,
        catalog: Catalog,
        form: Form,
        op_codes: Callable[[], Sequence[str]],
    ) -> None:
        self._ctx = ctx
        self._catalog = catalog
        self._form = form
        self._op_codes = op_codes
        self._asked = 0

    def show(self, appointment_at: datetime | None = None) -> None:
        t, zone = self._ctx.t, self._ctx.store.timezone
        begin = appointment_at.astimezone(zone) if appointment_at else None
        day = max(begin.date(), self._ctx.today()) if begin else self._ctx.today()
        with box("fields"):
            self._day = ui.input(t("Day"), value=f"{day}").props("type=date outlined dense")
            test_id("offers-day", self._day.classes("field"))
            self._day.on_value_change(self.ask)
            self._planned = moment_field(self._form, "appointment_at", t("Time"), appointment_at)
        self._offers = test_id("offers", box("offers"))
        self._curve = test_id("load-curve", box("curve"))

    @property
    def appointment_at(self) -> datetime:
        """The chosen time, which the form requires."""
        return moment_of(self._form, self._planned)

    async def ask(self) -> None:
        """Show offers and curve for the requested operations, the latest choice only."""
        self._asked += 1
        asked, op_codes = self._asked, list(self._op_codes())
        if not op_codes or not self._day.value:
            self.say(self._ctx.t("Choose the work to see off-peak times."))
            return
        wanted = OffersRequest(op_codes=op_codes, day_from=date.fromisoformat(self._day.value))
        try:
            response = await self._ctx.services.reception.offer_times(self._ctx.store.id, wanted)
        except ServiceUnavailableError as unavailable:
            response, problem = None, unavailable_text(self._ctx.t, unavailable)
        except ApiError as error:
            response, problem = None, error_text(self._ctx.t, error)
        if asked != self._asked:
            return
        if response is None:
            self.say(problem)
        else:
            self.offer(response.offers)
            skill_codes = {self._catalog.operations[each].skill_code for each in op_codes}
            needed = [each for each in response.load if each.skill_code in skill_codes]
            self._show_curve(needed, response.offers)

    def say(self, sentence: str) -> None:
        """Show a sentence in the place of offers and curve."""
        self._curve.clear()
        self._offers.clear()
        with self._offers:
            text(sentence, "hint")

    def offer(self, offers: Sequence[OfferedTime]) -> None:
        """Show times to choose from, in the order of the service."""
        t, ctx = self._ctx.t, self._ctx
        zone, now = ctx.store.timezone, ctx.now()
        self._offers.clear()
        with self._offers:
            if not offers:
                text(t("No capacity on these days; choose a later day."), "hint")
            for offer in offers:
                with test_id("offer", box("time-offer").props("role=button tabindex=0")) as made:
                    text(formats.day_and_clock(offer.appointment_at, zone, now), "offer-time")
                    ready = formats.day_and_clock(offer.promised_at, zone, now)
                    text(t("ready {time}", time=ready), "card-note")
                    if offer.calendar_assumed:
                        badge(t("Holidays not announced yet"), "warn")
                    if offer.provisional:
                        badge(t("Provisional"), "warn")
                    else:
                        booked = f"{offer.booked_share:.0%}"
                        text(t("{share} booked", share=booked), "card-note")
                chosen = partial(self._choose, offer.appointment_at)
                made.on("click", chosen).on("keydown.enter", chosen)

    def _choose(self, appointment_at: datetime) -> None:
        self._planned.set_value(formats.local(appointment_at, self._ctx.store.timezone))

    def _show_curve(self, load: Sequence[LoadView], offers: Sequence[OfferedTime]) -> None:
        """Show the share of the skills' time that is booked, by half hour of the chosen day."""
        day, zone = date.fromisoformat(self._day.value or ""), self._ctx.store.timezone
        offered = {offer.appointment_at for offer in offers}
        curves: dict[str, list[LoadView]] = defaultdict(list)
        for each in load:
            starts_at = each.starts_at.astimezone(zone)
            if starts_at.date() == day:
                curves[each.skill_code].append(each)
        self._curve.clear()
        with self._curve:
            for skill_code, half_hours in curves.items():
                text(self._ctx.t.code("skill_code", skill_code), "curve-name")
                with box("curve-bars"):
                    for each in half_hours:
                        self._bar(each, each.starts_at in offered)

    def _bar(self, half_hour: LoadView, offered: bool) -> None:
        at = half_hour.starts_at.astimezone(self._ctx.store.timezone)
        working = half_hour.working_minutes
        booked = 1 - half_hour.free_minutes / working if working else 1.0
        tone = "none" if not working else "busy" if booked > _BUSY_SHARE else "calm"
        with box(f"curve-bar {tone}{' offered' if offered else ''}") as bar:
            box("curve-fill").style(f"height: {booked:.0%}")
            text(f"{at:%H}" if at.minute == 0 else "", "curve-hour")
        share = self._ctx.t("{share} booked", share=f"{booked:.0%}")
        bar.props["title"] = f"{at:%H:%M} · {share}"
        bar.on("click", partial(self._choose, half_hour.starts_at))


async def send_or_offer(
    form: Form, choice: TimeChoice, command: Callable[[], Awaitable[object]]
) -> bool:
    """Send; when another user has taken the slot, show the next offers of the service."""
    if await form.send(command) is not None:
        return True
    if form.error and form.error.rule in _WITH_OFFERS:
        choice.offer(_OFFERS.validate_json(json.dumps(form.error.values["offers"])))
    return False
