"""One satisfaction survey (满意度答卷): its answers, or the form of the agent who calls."""

from collections.abc import Awaitable
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.components.complaint import Concerned, complaint_dialog
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    facts,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_foot
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.surveys import SURVEY_TONES, version_name
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import AnswerSurveyRequest, SurveyDetail, SurveyView
from shared.contracts.management import HIGHEST_SCORE, LOWEST_SCORE

REQUIREMENTS = ("R24",)

PAGE = Page(
    path="/stores/{store_id}/surveys/{survey_id}",
    title="Survey",
    roles=roles_of(CrmApi.get_survey),
    requirements=REQUIREMENTS,
)

_SCALE = {score: str(score) for score in range(LOWEST_SCORE, HIGHEST_SCORE + 1)}


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the survey, which follows customer relations."""
    survey_id = ctx.parameters["survey_id"]

    async def fetch() -> SurveyDetail:
        return await ctx.shared(
            f"survey {survey_id}",
            lambda: ctx.services.crm.get_survey(ctx.store.id, survey_id),
        )

    def render(survey: SurveyDetail, renderer: PartialRenderer) -> None:
        renderer.section("head", partial(_head, ctx), survey)
        if survey.scores is not None:
            renderer.section("answers", partial(_answers, ctx), survey)
        elif survey.status == "open" and ctx.may(CrmApi.answer_by_phone):
            renderer.section("form", partial(_form, ctx), survey)

    await live(ctx, fetch, render)


def _head(ctx: PageContext, survey: SurveyDetail) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with panel(name="survey-head"):
        with box("order-head"):
            badge(t.code("survey_status", survey.status), SURVEY_TONES[survey.status])
            link(t("Order"), f"{ctx.store_path}/orders/{survey.order_id}", "text-link")
        facts(
            [
                (t("CSI (of 1,000)"), formats.points(survey.csi)),
                (t("Channel"), t.code("survey_channel", survey.channel)),
                (t("Version"), version_name(survey.version)),
                (t("Asked"), formats.day_and_clock(survey.asked_at, zone, now)),
                (t("Valid until"), formats.day_and_clock(survey.expires_at, zone, now)),
                (t("Answered"), formats.day_and_clock(survey.answered_at, zone, now)),
                (t("Recorded by"), ctx.colleague(survey.answered_by)),
                *(
                    (t.code("role", each.role), ctx.colleague(each.person_id))
                    for each in survey.staff
                ),
            ]
        )
        if survey.low_factors and ctx.may(CrmApi.open_complaint):
            concerned = Concerned(
                survey.customer_ref, survey.order_id, source="survey", words=survey.words or ""
            )
            with box("card-actions"):
                opening = partial(complaint_dialog, ctx, concerned)
                button(t("Complaint …"), opening, name="open-complaint", kind="main")


def _answers(ctx: PageContext, survey: SurveyDetail) -> None:
    t, scores, means = ctx.t, survey.scores or {}, survey.factor_means or {}
    headings = [t("Factor"), t("Question"), t("Score")]
    with panel(t("Scores by question"), name="survey-answers"):
        with table(headings, (t("Score"),)):
            for factor in survey.factors:
                for place, each in enumerate(factor.questions):
                    with row():
                        with cell_box():
                            if place == 0:
                                text(f"{t.of(factor)} · {formats.points(means.get(factor.factor))}")
                                if factor.factor in survey.low_factors:
                                    badge(t("Low"), "bad")
                        cell(t.of(each))
                        cell(str(scores.get(each.question, NOTHING)), "figure")
        facts([(t("In the customer's words"), survey.words or NOTHING)])


def _form(ctx: PageContext, survey: SurveyDetail) -> None:
    """Show what the agent asks on the phone, with a scale for each answer."""
    t = ctx.t
    with panel(t("Answers on the phone"), name="survey-form"):
        form = Form(ctx)
        given: dict[str, ui.toggle] = {}
        for factor in survey.factors:
            text(t.of(factor), "section-title")
            for each in factor.questions:
                text(t.of(each))
                given[each.question] = test_id(
                    f"score-{each.question}", ui.toggle(_SCALE).props("no-caps unelevated")
                )
        words = form.field(
            "words",
            ui.textarea(t("In the customer's words")).props("autogrow maxlength=2000"),
        )

        def command() -> Awaitable[SurveyView]:
            request = AnswerSurveyRequest(
                scores={question: each.value for question, each in given.items() if each.value},
                words=words.value or None,
            )
            return ctx.services.crm.answer_by_phone(
                ctx.store.id, survey.survey_id, request, idempotency_key=form.attempt
            )

        async def save() -> None:
            if await form.send(command):
                await ctx.changed()

        with dialog_foot(form):
            button(t("Save"), save, name="save-survey", kind="main")
