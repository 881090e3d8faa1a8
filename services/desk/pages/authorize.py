"""Page that a customer opens on their phone by a one-time link (授权页), without signing in."""

from copy import copy
from datetime import datetime
from functools import partial

from fastapi import Request
from nicegui import app, ui

from services.desk import formats
from services.desk.client import Services, new_attempt
from services.desk.components.elements import box, button, link, test_id, text
from services.desk.components.frame import head, language_link
from services.desk.components.offer import OfferChoice
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import AppContext, Present
from services.desk.i18n import Translator
from services.desk.page import OpenPage
from services.desk.session import LAST_COLLEAGUE, Session, SignedOutError
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.reception.models import LinkDecisionRequest, PresentedEstimate

PAGE = OpenPage("/authorize/{token}", "Your authorization", requirements=("R4", "R9"))

_ICONS = {"authorized": "check_circle", "declined": "do_not_disturb_on", "unavailable": "cloud_off"}
_TONES = {"authorized": "good", "declined": "calm"}
_COLLEAGUE = "colleague_at_link"


@ui.page(PAGE.path)
async def show(request: Request, token: str, signed_in: Present) -> None:
    """Show lines and prices, and a decision on them; or why there is nothing to decide."""
    app_context: AppContext = app.state.app_context
    t = app_context.translator_for(request)
    client = ui.context.client
    client.page = copy(client.page)
    client.page.language = "zh-CN" if t.language == "zh" else "en-US"
    if signed_in:
        signed_in.shown_on(client)
    group_name = await app_context.group_name(t)
    head(f"{t('Your authorization')} · {group_name}")
    ui.add_head_html(
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
    )
    with box("customer"):
        with box("sign-in-head"):
            with box("brand"):
                ui.icon("directions_car")
                text(group_name, "brand-name")
            language_link(t, request.url.path)
        await _Authorization(app_context, t, token, request, signed_in).show()


class _Authorization:
    """One link, opened by a customer, or by a colleague, who sees it and cannot decide."""

    def __init__(
        self,
        app_context: AppContext,
        t: Translator,
        token: str,
        request: Request,
        signed_in: Session | None,
    ) -> None:
        self._app_context = app_context
        self._t = t
        self._token = token
        self._store_id = token.partition(".")[0]
        self._colleague = signed_in
        self._reception = _services(app_context, self._store_id, request, signed_in).reception
        self._attempt = new_attempt()
        self._content = box("customer-content")

    async def show(self) -> None:
        """Show the estimate to which the link leads."""
        try:
            offer = await self._reception.show_offer(self._token)
        except ApiError as error:
            self._say(error.rule, self._why(error))
        except ServiceUnavailableError as unavailable:
            self._say("unavailable", unavailable_text(self._t, unavailable))
            with self._content:
                link(self._t("Try again"), "", "button-main as-button")
        except SignedOutError:
            self._say(_COLLEAGUE, self._t.code("link", _COLLEAGUE))
        else:
            await self._app_context.directories.of(self._store_id)
            with self._content:
                self._show_offer(offer)

    def _show_offer(self, offer: PresentedEstimate) -> None:
        t = self._t
        text(t.of(offer.store), "customer-store")
        title = (
            t("We recommend additional work. Please decide.")
            if offer.additional
            else t("Please look at the estimate and decide.")
        )
        text(title, "page-title").props('role=heading aria-level="1"')
        chosen = OfferChoice(t, offer, self._ask, self._when)
        text(t("Valid until {time}", time=self._when(offer.expires_at)), "hint")
        if self._colleague:
            test_id("colleague", text(t.code("link", _COLLEAGUE), "customer-sentence"))
            return
        with box("customer-actions"):
            button(
                t("Approve selected"),
                lambda: self._decide(chosen, agree=True),
                name="agree",
                kind="main",
            )
            button(t("Decline all"), lambda: self._decide(chosen, agree=False), name="refuse")

    def _when(self, moment: datetime | None) -> str:
        """Format a time on the clocks of the store, to which every answered link belongs."""
        zone = self._app_context.directories.last(self._store_id).store.timezone
        return formats.day_and_clock(moment, zone, self._app_context.clock.now())

    async def _ask(self, declined: list[str]) -> PresentedEstimate | None:
        """Return the offer without some items; the same as before where it is unavailable."""
        try:
            return await self._reception.show_offer(self._token, declined=declined)
        except (ApiError, ServiceUnavailableError):
            return None

    async def _decide(self, chosen: OfferChoice, *, agree: bool) -> None:
        """Send the decision, with one effect however often it is tried."""
        wanted = agree and not chosen.is_empty
        request = LinkDecisionRequest(
            decision="authorize" if wanted else "decline",
            declined=chosen.declined if wanted else [],
            promised_at=chosen.promised_at,
        )
        try:
            decided = await self._reception.decide_offer(
                self._token, request, idempotency_key=self._attempt
            )
        except ApiError as error:
            if error.rule == "promise_later":
                await chosen.refresh()
                ui.notify(error_text(self._t, error), type="warning", position="top")
            else:
                self._say(error.rule, self._why(error))
        except ServiceUnavailableError as unavailable:
            ui.notify(unavailable_text(self._t, unavailable), type="negative", position="top")
        else:
            state = "authorized" if wanted else "declined"
            self._say(state, self._t.code("answered", state))
            if decided.promised_at:
                with self._content:
                    self._promised(decided.promised_at)

    def _promised(self, promised_at: datetime) -> None:
        with box("promise-box"):
            text(self._t("Promised time"), "promise-label")
            test_id("answer-promise", text(self._when(promised_at), "promise-time"))

    def _why(self, error: ApiError) -> str:
        """Return the reason why the link cannot be used; a link that was never sent leads
        nowhere.
        """
        return self._t.known(f"link.{error.rule}") or self._t.code("link", "unknown_link")

    def _say(self, state: str, sentence: str) -> None:
        self._content.clear()
        with self._content, test_id(f"answer-{state}", box("customer-answer")):
            ui.icon(_ICONS.get(state, "link_off")).classes(f"tone-{_TONES.get(state, 'quiet')}")
            text(sentence, "customer-sentence")
            if state not in _TONES:
                text(self._t("Please ask your service advisor."), "hint")


def _services(
    app_context: AppContext, store_id: str, request: Request, colleague: Session | None
) -> Services:
    """Return services that learn from where the link is opened: in the name of the signed-in
    colleague; in the desk's own name where a colleague was signed in last; else without a name.
    """
    origin = {
        "User-Agent": request.headers.get("User-Agent"),
        "X-Forwarded-For": request.client.host if request.client else None,
    }
    token = colleague.token if colleague else None
    last = request.session.get(LAST_COLLEAGUE)
    if last and not colleague:
        origin["X-Staff-Device"] = last
        token = partial(app_context.own_token, store_id)
    headers = {
        name: value.encode("ascii", "ignore").decode() for name, value in origin.items() if value
    }
    return Services(app_context.connections, token, headers)
