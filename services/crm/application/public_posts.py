"""Public voice (媒体公关): posts about a store, logged, linked to complaints, answered (R44)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.crm.application.complaints import PAGE_SIZE, Words
from services.crm.application.deps import Deps
from services.crm.application.rules import complaint_rules, working_time_of
from services.crm.domain import public_post as public_posts
from services.crm.domain.public_post import PublicPost, PublicPostStatus
from services.crm.persistence import complaint as complaints
from services.crm.persistence import public_post as records
from shared import timers
from shared.contracts.base import Identifier
from shared.contracts.crm import PublicPlatform, PublicTone
from shared.contracts.violations import unknown
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

PUBLIC_POST_OVERDUE = "public_post_overdue"


class LogPublicPostRequest(RequestModel):
    """A post or article about the store; without ``owner_id`` it is the caller's to answer."""

    platform: PublicPlatform
    tone: PublicTone
    posted_on: CalendarDay
    summary: Annotated[Words, Field(description="内容摘要")]
    link: Annotated[
        str | None, Field(max_length=2000, pattern=r"^https?://\S+$", description="链接")
    ] = None
    owner_id: Identifier | None = None
    complaint_id: Identifier | None = None


class LinkPublicPostRequest(RequestModel):
    complaint_id: Identifier


class AnswerPublicPostRequest(RequestModel):
    words: Annotated[Words, Field(description="回应")]


class PublicPostView(BaseModel):
    """A post without what was written in it or about it."""

    model_config = ConfigDict(from_attributes=True)

    public_post_id: str
    status: PublicPostStatus
    platform: PublicPlatform
    tone: PublicTone
    posted_on: date
    complaint_id: str | None
    owner_id: str
    logged_by: str
    logged_at: datetime
    due_at: datetime
    answered_at: datetime | None
    answered_by: str | None


class PublicPostDetail(PublicPostView):
    """A post with its summary, link and answer."""

    summary: str | None
    link: str | None
    answer: str | None


class PublicPostPage(BaseModel):
    """Posts, and ``next_after`` for the page behind them, where there is one."""

    public_posts: list[PublicPostDetail]
    next_after: str | None


async def log_public_post(
    uow: UnitOfWork, command: LogPublicPostRequest, deps: Deps
) -> PublicPostView:
    """Log a post or an article about the store (舆情登记), with its owner and deadline.

    Raises:
        RuleViolation: it is from a day to come, or its owner or complaint is unknown.
    """
    connection, store_id = uow.connection, uow.store_id
    store = await deps.group.store(connection, store_id)
    today = store.local_day(uow.now)
    public_posts.require_past_day(command.posted_on, today)
    owner_id = command.owner_id or uow.person
    if command.owner_id and await deps.group.posts(connection, owner_id, today) is None:
        raise unknown("owner_id", owner_id)
    if command.complaint_id:
        await complaints.find_complaint(connection, store_id, command.complaint_id)
    rules = await complaint_rules(connection, store, uow.now, deps)
    working_time = await working_time_of(connection, store, deps)
    post = PublicPost(
        public_post_id=str(new_id()),
        store_id=store_id,
        platform=command.platform,
        tone=command.tone,
        posted_on=command.posted_on,
        complaint_id=command.complaint_id,
        owner_id=owner_id,
        logged_by=uow.person,
        logged_at=uow.now,
        due_at=working_time.after_hours(uow.now, rules.public_post_hours),
    )
    subject = post.public_post_id
    await records.add_post(
        connection,
        post,
        await deps.personal.encrypt(connection, store_id, subject, command.summary),
        await deps.personal.encrypt(connection, store_id, subject, command.link),
    )
    await timers.schedule(uow, PUBLIC_POST_OVERDUE, subject, store_id=store_id, due_at=post.due_at)
    uow.publish(public_posts.log(post))
    return PublicPostView.model_validate(post)


async def link_public_post(
    uow: UnitOfWork, public_post_id: str, command: LinkPublicPostRequest, _: Deps
) -> PublicPostView:
    """Link a post to the complaint that it comes from or has led to (关联投诉).

    Raises:
        RuleViolation: there is no such post or complaint in the store.
    """
    await complaints.find_complaint(uow.connection, uow.store_id, command.complaint_id)
    locked = await records.lock_post(uow.connection, uow.store_id, public_post_id)
    post, events = public_posts.link(locked, command.complaint_id, uow.person, uow.now)
    await records.save_post(uow.connection, post)
    uow.publish(events)
    return PublicPostView.model_validate(post)


async def answer_public_post(
    uow: UnitOfWork, public_post_id: str, command: AnswerPublicPostRequest, deps: Deps
) -> PublicPostView:
    """Record the store's answer to a post (舆情回应).

    Raises:
        RuleViolation: it is answered already, or there is no such post in the store.
    """
    locked = await records.lock_post(uow.connection, uow.store_id, public_post_id)
    post, events = public_posts.answer(locked, uow.person, uow.now)
    answer = await deps.personal.encrypt(
        uow.connection, uow.store_id, public_post_id, command.words
    )
    await records.save_post(uow.connection, post, answer)
    await timers.cancel(uow, PUBLIC_POST_OVERDUE, public_post_id)
    uow.publish(events)
    return PublicPostView.model_validate(post)


async def lock_public_post(uow: UnitOfWork, store_id: str, public_post_id: str) -> None:
    """Lock the post before its timer, as commands do."""
    await records.lock_post(uow.connection, store_id, public_post_id)


async def mark_public_post_overdue(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Tell that a post was not answered in time (舆情逾期)."""
    locked = await records.lock_post(uow.connection, timer.store_id, timer.entity_id)
    post, events = public_posts.overdue(locked, uow.now)
    await records.save_post(uow.connection, post)
    uow.publish(events)


async def list_public_posts(
    store_id: str,
    statuses: Sequence[PublicPostStatus],
    complaint_id: str | None,
    after: str | None,
    deps: Deps,
) -> PublicPostPage:
    """List posts about the store (舆情台账), the latest first, a page at a time."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await records.list_posts(
            connection, store_id, statuses, complaint_id, after, PAGE_SIZE + 1
        )
        shown = found[:PAGE_SIZE]
        written = [
            (each.post.public_post_id, words)
            for each in shown
            for words in (each.summary, each.link, each.answer)
            if words
        ]
        texts = iter(await deps.personal.decrypt_all(connection, store_id, written))
    return PublicPostPage(
        public_posts=[
            PublicPostDetail(
                **PublicPostView.model_validate(each.post).model_dump(),
                summary=next(texts),
                link=next(texts) if each.link else None,
                answer=next(texts) if each.answer else None,
            )
            for each in shown
        ],
        next_after=shown[-1].post.public_post_id if len(found) > PAGE_SIZE else None,
    )
