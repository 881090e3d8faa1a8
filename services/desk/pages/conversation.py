"""One conversation with a customer (客户来信): what was written, and the answer."""

from collections.abc import Awaitable
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.components.conversation import KIND_WORDS, sender_name
from services.desk.components.elements import (
    badge,
    box,
    button,
    dialog,
    link,
    panel,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AnswerConversationRequest,
    ConversationChanged,
    ConversationDetail,
    FoundCustomer,
    LinkSenderRequest,
    SearchCustomersRequest,
    WrittenMessage,
)
from shared.contracts.crm import AnswerKind

PAGE = Page(
    path="/stores/{store_id}/conversations/{conversation_id}",
    title="Conversation",
    roles=roles_of(CrmApi.get_conversation),
    requirements=("R9", "R22"),
)

_TONES = {
    "sent": "good",
    "called": "good",
    "call_required": "bad",
    "not_reached": "bad",
    "suppressed": "bad",
}


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show what was written, the oldest first, and the field for the answer below it."""

    async def fetch() -> ConversationDetail:
        return await ctx.services.crm.get_conversation(
            ctx.store.id, ctx.parameters["conversation_id"]
        )

    def render(conversation: ConversationDetail, renderer: PartialRenderer) -> None:
        renderer.section("head", partial(_head, ctx), _head_of(conversation))
        renderer.section("thread", partial(_thread, ctx), conversation.messages)

    with box("narrow"):
        await live(ctx, fetch, render)


def _head_of(conversation: ConversationDetail) -> ConversationDetail:
    """Return what the head shows, which stays as it is while an answer is delivered."""
    return conversation.model_copy(update={"messages": []})


def _head(ctx: PageContext, conversation: ConversationDetail) -> None:
    t = ctx.t
    with panel():
        with box("order-head"):
            with box("card-names"):
                if conversation.customer_ref:
                    customer = f"{ctx.store_path}/customers/{conversation.customer_ref}"
                    link(sender_name(t, conversation), customer, "text-link")
                else:
                    text(sender_name(t, conversation))
                    badge(t("Not a customer yet"), "warn")
            badge(t.code("channel", conversation.channel), "calm")
            box("spacer")
            if conversation.waiting_since:
                since = formats.day_and_clock(
                    conversation.waiting_since, ctx.store.timezone, ctx.now()
                )
                badge(t("Waits since {time}", time=since), "warn")
            elif conversation.answer_s is not None:
                taken = formats.duration(t, conversation.answer_s)
                badge(t("Answered after {time}", time=taken), "good")
        with box("card-actions"):
            if conversation.customer_ref is None:
                linking = partial(_link_dialog, ctx, conversation)
                button(t("Say who it is …"), linking, name="link-sender", kind="main")
                link(t("New customer"), f"{ctx.store_path}/new-customer", "text-link")
            else:
                answering = partial(_answer_dialog, ctx, conversation)
                button(t("Reply"), answering, name="answer", kind="main")
            if conversation.waiting_since:
                ending = partial(_ending_dialog, ctx, conversation)
                button(t("No message needed …"), ending, name="end-conversation")


def _thread(ctx: PageContext, messages: list[WrittenMessage]) -> None:
    t = ctx.t
    with panel(t("What was written")):
        for each in messages:
            with test_id(f"written-{each.direction}", box("passage")):
                at = formats.day_and_clock(each.written_at, ctx.store.timezone, ctx.now())
                text(at, "number hint")
                text(ctx.colleague(each.written_by) if each.written_by else t("Customer"), "hint")
                if each.kind in KIND_WORDS:
                    text(t(KIND_WORDS[each.kind]), "hint")
                else:
                    text(each.words or formats.NOTHING)
                if each.kind == "opt_out":
                    badge(t("Wants no more messages by this channel"), "bad")
                if each.status:
                    tone = _TONES.get(each.status, "busy")
                    badge(t.code("message", each.status), tone)


def _answer_dialog(ctx: PageContext, conversation: ConversationDetail) -> None:
    t = ctx.t
    with dialog(t("Reply")) as opened:
        form = Form(ctx, conversation.version)
        words = form.field("words", ui.textarea(t("Reply")).props("autogrow autofocus"))

        async def send() -> None:
            if form.require("words"):
                command = partial(_answer, ctx, conversation, form, "message", words.value)
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Send"), send)


def _ending_dialog(ctx: PageContext, conversation: ConversationDetail) -> None:
    t = ctx.t
    with dialog(t("No message needed")) as opened:
        form = Form(ctx, conversation.version)
        kinds = {"call": t("Answered on the phone"), "none": t("Needs no answer")}
        kind = form.field("answer", ui.select(kinds, label=t("Result"), value="call"))

        async def send() -> None:
            await submit(form, opened, partial(_answer, ctx, conversation, form, kind.value, None))

        dialog_actions(form, opened, t("Save"), send)


def _answer(
    ctx: PageContext,
    conversation: ConversationDetail,
    form: Form,
    answer: AnswerKind,
    words: str | None,
) -> Awaitable[ConversationChanged]:
    return ctx.services.crm.answer_conversation(
        ctx.store.id,
        conversation.conversation_id,
        AnswerConversationRequest(version=form.version, answer=answer, words=words),
        idempotency_key=form.attempt,
    )


def _link_dialog(ctx: PageContext, conversation: ConversationDetail) -> None:
    """Find the customer by what is known of them, and choose."""
    t = ctx.t
    with dialog(t("Who has written?")) as opened:
        form = Form(ctx, conversation.version)
        known = form.field("known", ui.input(t("Name, phone, plate or VIN")))
        customer = form.field("customer_ref", ui.select({}, label=t("Customer")))

        async def find() -> None:
            if form.require("known"):
                options = await _found(ctx, form, known.value)
                customer.set_options(options, value=next(iter(options), None))

        def command() -> Awaitable[ConversationChanged]:
            return ctx.services.crm.link_sender(
                ctx.store.id,
                conversation.conversation_id,
                LinkSenderRequest(version=form.version, customer_ref=customer.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("customer_ref"):
                await submit(form, opened, command)

        known.on("keydown.enter", find)
        button(t("Find"), find, name="find", kind="small")
        dialog_actions(form, opened, t("Save"), send)


async def _found(ctx: PageContext, form: Form, known: str) -> dict[str, str]:
    """Return the customers of the store who are known so, by reference; say where there is none."""
    asked = SearchCustomersRequest(text=known)
    found = await form.send(lambda: ctx.services.crm.search_customers(ctx.store.id, asked))
    here = [each for each in found or () if each.store_id == ctx.store.id]
    if found is not None and not here:
        form.say(ctx.t("Not in customer records."))
    return {each.customer_ref: _known_as(each) for each in here}


def _known_as(found: FoundCustomer) -> str:
    plates = [each.plate for each in found.vehicles if each.plate]
    return " · ".join([found.name or formats.NOTHING, *plates])
