"""The customer's card (客户卡片): what matters when a known customer arrives."""

from datetime import datetime

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.complaint import severity_badge
from services.desk.components.elements import badge, box, facts, test_id, text
from services.desk.components.problems import error_text, unavailable_text
from services.desk.components.tier import tier_badge
from services.desk.context import PageContext
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import CardInvitation, CardVehicle, CustomerCard

LANGUAGES = {"zh": "中文", "en": "English"}


async def customer_card(ctx: PageContext, customer_ref: str, *, apart: bool = False) -> None:
    """Show the card of a customer, to those who may read it.

    Its links open ``apart`` from a page on which something is being written.
    """
    if not ctx.may(CrmApi.get_customer_card):
        return
    try:
        card = await ctx.services.crm.get_customer_card(ctx.store.id, customer_ref)
        catalog = await ctx.catalog()
    except ServiceUnavailableError as unavailable:
        text(unavailable_text(ctx.t, unavailable), "hint")
    except ApiError as error:
        text(error_text(ctx.t, error), "hint")
    else:
        _Card(ctx, catalog, card, apart=apart).show()


class _Card:
    """A card on a page."""

    def __init__(
        self, ctx: PageContext, catalog: Catalog, card: CustomerCard, *, apart: bool
    ) -> None:
        self._ctx, self._catalog, self._card, self._apart = ctx, catalog, card, apart

    def show(self) -> None:
        with test_id("customer-card", box("customer-card")):
            self._standing()
            self._concerns()
            for vehicle in self._card.vehicles:
                self._vehicle(vehicle)
            self._preferences()

    def _standing(self) -> None:
        t, standing = self._ctx.t, self._card.standing
        with box("card-tags"):
            if standing.tier:
                tier_badge(t, standing.tier)
            for each in standing.entitlements:
                badge(t.code("entitlement", each.entitlement), "good")
            if standing.is_lost:
                badge(t("Lost customer"), "bad")
            text(t("{count} visits", count=standing.visits), "card-note")
            for visit in self._card.last_visits:
                day = f"{self._ctx.store.local_day(visit.delivered_at)}"
                self._link(day, f"orders/{visit.order_id}", "card-note number")

    def _concerns(self) -> None:
        """Show what is open, the most pressing first."""
        ctx, t, card = self._ctx, self._ctx.t, self._card
        for complaint in card.complaints:
            with self._concern("card-complaint", "offer urgent"):
                severity_badge(t, complaint.severity)
                self._link(
                    t("Open complaint, due {time}", time=self._moment(complaint.due_at)),
                    f"complaints/{complaint.complaint_id}",
                )
        for call in card.calls:
            with self._concern("card-call"):
                badge(t("Call"), "busy")
                text(
                    t(
                        "{reason}, {person}, due {time}",
                        reason=t.code("follow_up_reason", call.reason),
                        person=ctx.colleague(call.agent_id),
                        time=self._moment(call.due_at),
                    )
                )
        for invitation in card.invitations:
            with self._concern("card-invitation"):
                badge(t.code("reminder_kind", invitation.kind), "calm")
                self._link(self._needed(invitation), f"service-reminders/{invitation.reminder_id}")
        for campaign in card.campaigns:
            with self._concern("card-campaign"):
                badge(t("Campaign"), "calm")
                ends = campaign.ends_on.isoformat()
                words = t("{title}, until {day}", title=campaign.title, day=ends)
                if ctx.may(CrmApi.get_campaign):
                    self._link(words, f"campaigns/{campaign.campaign_id}")
                else:
                    text(words)
                badge(t.code("campaign_passage", campaign.answer or "invited"), "calm")
        for survey in card.surveys:
            with self._concern("card-survey"):
                badge(t("Survey"), "calm")
                until = f"{ctx.store.local_day(survey.expires_at)}"
                self._link(
                    t("Can be answered until {day}", day=until), f"surveys/{survey.survey_id}"
                )

    def _needed(self, invitation: CardInvitation) -> str:
        work = self._ctx.t.listed(map(self._catalog.operation, invitation.op_codes))
        return " · ".join(filter(None, (work, invitation.due_on.isoformat())))

    def _vehicle(self, vehicle: CardVehicle) -> None:
        t = self._ctx.t
        with test_id("card-vehicle", box("card-line")):
            self._link(vehicle.plate or formats.NOTHING, f"vehicles/{vehicle.vehicle_ref}", "plate")
            roles = t.listed(t.code("vehicle_role", each) for each in vehicle.roles)
            text(f"{vehicle.brand} {vehicle.model} · {roles}")
            if vehicle.insured_until:
                ends = vehicle.insured_until.isoformat()
                text(t("Insured until {day}", day=ends), "hint")
            if vehicle.next_service_on:
                due = vehicle.next_service_on.isoformat()
                text(t("Next maintenance {day}", day=due), "hint")

    def _preferences(self) -> None:
        t, preferences = self._ctx.t, self._card.preferences
        declined = t.listed(t.code("channel", each) for each in preferences.declined_channels)
        said = {True: t("consents"), False: t("does not consent")}
        consents = [
            (t.code("consent_purpose", each.purpose), said[each.is_given])
            for each in self._card.consents
        ]
        pairs = [
            (t("Language"), LANGUAGES[preferences.language]),
            (t("Preferred channel"), t.code("channel", preferences.preferred_channel)),
            (t("Declined channels"), declined or formats.NOTHING),
        ]
        facts([*pairs, *consents])

    def _concern(self, name: str, classes: str = "offer") -> ui.element:
        return test_id(name, box(classes))

    def _link(self, words: str, path: str, classes: str = "text-link") -> None:
        address = f"{self._ctx.store_path}/{path}"
        ui.link(words, address, new_tab=self._apart).classes(classes)

    def _moment(self, at: datetime) -> str:
        return formats.day_and_clock(at, self._ctx.store.timezone, self._ctx.now())
