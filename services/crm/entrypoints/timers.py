"""Reactions of customer relations to due timers."""

from collections.abc import Mapping

from services.crm.application import (
    assignments,
    calls_by_rules,
    campaign_run,
    complaint_tasks,
    complaints,
    conversations,
    customer_imports,
    customer_reviews,
    duplicates,
    erasures,
    follow_ups,
    leads,
    nightly,
    public_posts,
    renewals,
    search_tokens,
    sending,
    service_reminders,
    survey_months,
    surveys,
)
from services.crm.application.deps import Deps
from services.crm.clients.channels import LONGEST_CALL_S
from shared.timers import Lane, TimerHandler

_REVIEWS = Lane("customer reviews", concurrency=2)
_GATEWAYS = Lane("gateways", concurrency=4, timeout_s=2 * LONGEST_CALL_S)

TIMERS: Mapping[str, TimerHandler[Deps]] = {
    follow_ups.SCHEDULE_FOLLOW_UP: TimerHandler(follow_ups.schedule_waiting_follow_up),
    nightly.RENEWALS_DUE: TimerHandler(renewals.raise_renewals),
    nightly.SERVICE_REMINDERS_DUE: TimerHandler(service_reminders.raise_service_reminders),
    assignments.ASSIGN_CUSTOMERS: TimerHandler(assignments.assign_customers),
    nightly.PLAN_CALLS: TimerHandler(calls_by_rules.plan_calls),
    surveys.ASK_FOR_SURVEY: TimerHandler(surveys.ask_for_survey),
    survey_months.EVALUATE_SURVEYS: TimerHandler(survey_months.evaluate_surveys),
    customer_reviews.REVIEW_CUSTOMER: TimerHandler(
        customer_reviews.review_customer, lock=customer_reviews.lock_reviews
    ),
    nightly.REVIEW_CUSTOMERS: TimerHandler(
        customer_reviews.review_customers, lock=customer_reviews.lock_reviews, lane=_REVIEWS
    ),
    customer_imports.IMPORT: TimerHandler(
        customer_imports.import_portion, lock=customer_imports.lock_import
    ),
    customer_imports.EXPIRE: TimerHandler(
        customer_imports.expire_import, lock=customer_imports.lock_import
    ),
    nightly.FIND_DUPLICATES: TimerHandler(duplicates.find_duplicates_at_night),
    customer_reviews.REVIEW_STORES: TimerHandler(customer_reviews.review_stores),
    campaign_run.RUN_CAMPAIGN: TimerHandler(
        campaign_run.run_campaign, lock=campaign_run.lock_campaign
    ),
    search_tokens.MAKE_FINDABLE: TimerHandler(search_tokens.make_earlier_findable),
    erasures.RETENTION_ENDED: TimerHandler(erasures.end_legal_term),
    conversations.PURGE_CONVERSATION: TimerHandler(
        conversations.purge_conversation, lock=conversations.lock_conversation
    ),
    leads.LEAD_ANSWER_OVERDUE: TimerHandler(leads.remind_of_lead),
    sending.SEND_MESSAGE: TimerHandler(
        sending.go_on_with_message,
        lock=sending.lock_message,
        prepare=sending.hand_over_message,
        lane=_GATEWAYS,
    ),
    complaints.ESCALATE_COMPLAINT: TimerHandler(
        complaints.escalate_overdue_complaint, lock=complaints.lock_complaint
    ),
    complaint_tasks.ESCALATE_TASK: TimerHandler(
        complaint_tasks.escalate_overdue_task, lock=complaint_tasks.lock_complaint_task
    ),
    public_posts.PUBLIC_POST_OVERDUE: TimerHandler(
        public_posts.mark_public_post_overdue, lock=public_posts.lock_public_post
    ),
}
