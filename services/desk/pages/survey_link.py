"""Page on which a customer answers a survey by a one-time link (答卷页), without signing in.

It is plain HTML, without scripts and without a connection that stays open, so that it works on any
phone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nicegui import app
from pydantic import ValidationError

from services.desk import formats
from services.desk.client import Services, invalid_request, new_attempt
from services.desk.components.problems import unavailable_text
from services.desk.context import AppContext, Present
from services.desk.i18n import LOCALES, Language, Translator
from services.desk.page import OpenPage
from services.desk.session import Session, SignedOutError
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.crm.models import AnswerSurveyRequest, SurveyForm
from shared.contracts.management import HIGHEST_SCORE, LOWEST_SCORE
from shared.routing import Router

PAGE = OpenPage("/survey/{token}", "How was our service?", requirements=("R24",))

router = Router()

_TEMPLATE = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("survey_link.html")
_UNANSWERED = "question_unanswered"
_ATTEMPT, _WORDS = "attempt", "words"


@router.get(PAGE.path)
async def show(request: Request, token: str, signed_in: Present) -> HTMLResponse:
    """Show the questions, or why there is nothing to answer."""
    return await _Survey(request, token, signed_in).show()


@router.post(PAGE.path)
async def answer(request: Request, token: str, signed_in: Present) -> HTMLResponse:
    """Send the answers, with one effect however often the page is sent."""
    given = {name: value for name, value in (await request.form()).items() if value}
    return await _Survey(request, token, signed_in).answer(cast("dict[str, str]", given))


class _Survey:
    """One link, opened by a customer, or by a colleague, who cannot answer in their place."""

    def __init__(self, request: Request, token: str, signed_in: Session | None) -> None:
        self._app_context: AppContext = app.state.app_context
        self._asked = request.query_params.get("lang")
        self._t = self._app_context.translator_for(request)
        self._token = token
        colleague = signed_in.token if signed_in else None
        self._crm = Services(self._app_context.connections, colleague).crm

    async def show(
        self, given: Mapping[str, str] | None = None, missing: str | None = None
    ) -> HTMLResponse:
        """Show the questions with what is ``given``, and which one is ``missing``."""
        try:
            form = await self._crm.show_survey(self._token)
        except (ApiError, ServiceUnavailableError, SignedOutError) as error:
            return await self._refused(error)
        t = self._speak(form.language)
        return await self._page(
            t,
            form=form,
            until=await self._until(form),
            given={name: int(value) for name, value in (given or {}).items() if value.isdecimal()},
            missing=missing,
            words=(given or {}).get(_WORDS, ""),
            attempt=(given or {}).get(_ATTEMPT) or new_attempt(),
            scale=range(LOWEST_SCORE, HIGHEST_SCORE + 1),
        )

    async def answer(self, given: Mapping[str, str]) -> HTMLResponse:
        """Send what is given, and thank for it."""
        scores = {name: each for name, each in given.items() if name not in (_ATTEMPT, _WORDS)}
        try:
            request = _request(scores, given.get(_WORDS))
            await self._crm.answer_by_link(
                self._token, request, idempotency_key=given.get(_ATTEMPT) or new_attempt()
            )
        except ApiError as error:
            if error.rule == _UNANSWERED:
                missing = error.field_errors[0].field.removeprefix("scores.")
                return await self.show(given, missing)
            return await self._refused(error)
        except (ServiceUnavailableError, SignedOutError) as error:
            return await self._refused(error)
        t = self._speak(None)
        return await self._page(
            t, state="answered", says=t("Thank you. Your answers have arrived.")
        )

    async def _refused(self, error: Exception) -> HTMLResponse:
        """Say why the link cannot be used; a link that was never sent leads nowhere."""
        t = self._speak(None)
        if isinstance(error, ServiceUnavailableError):
            says = unavailable_text(t, error)
            return await self._page(t, state="unavailable", says=says, status=503)
        rule = error.rule if isinstance(error, ApiError) else "colleague_at_survey"
        says = t.known(f"survey_link.{rule}") or t.code("survey_link", "unknown_survey_link")
        status = error.status if isinstance(error, ApiError) else 403
        return await self._page(t, state=rule, says=says, status=status)

    def _speak(self, preferred: Language | None) -> Translator:
        """Return texts in the language that was chosen here, else the one that is preferred."""
        chosen = next((each for each in LOCALES if each == self._asked), preferred)
        return self._app_context.translators[chosen] if chosen else self._t

    async def _until(self, form: SurveyForm) -> str:
        """Return the end of the link's time, on the clocks of its store."""
        directory = await self._app_context.directories.of(self._token.partition(".")[0])
        zone, now = directory.store.timezone, self._app_context.clock.now()
        return formats.day_and_clock(form.expires_at, zone, now)

    async def _page(self, t: Translator, *, status: int = 200, **shown: Any) -> HTMLResponse:
        page = _TEMPLATE.render(
            **{"says": "", "state": "", **shown},
            t=t,
            other="en" if t.language == "zh" else "zh",
            group_name=await self._app_context.group_name(t),
        )
        return HTMLResponse(page, status)


def _request(scores: Mapping[str, str], words: str | None) -> AnswerSurveyRequest:
    try:
        return AnswerSurveyRequest.model_validate({"scores": scores, "words": words})
    except ValidationError as error:
        raise invalid_request(error) from None
