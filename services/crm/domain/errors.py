"""Reasons for which customer relations refuses a command."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING

from shared.contracts.violations import RuleViolation

if TYPE_CHECKING:
    from services.crm.domain.customer import Candidate
    from services.crm.domain.erasure import UnderWay


def unknown_customer(field: str) -> RuleViolation:
    return RuleViolation(
        "unknown_customer",
        "No customer of this store has this vehicle.",
        field=field,
        kind="not_found",
    )


def person_undecided(candidates: "Sequence[Candidate]") -> RuleViolation:
    """A known vehicle or telephone number with another name or number (同一人、其他人或过户)."""
    return RuleViolation(
        "person_undecided",
        "Say who brings the vehicle: a person who is known, another person, or a new owner.",
        field="decision",
        kind="conflict",
        possibilities=[asdict(each) for each in candidates],
    )


def vin_of_another_vehicle(vehicle_ref: str) -> RuleViolation:
    return RuleViolation(
        "vin_of_another_vehicle",
        "Another vehicle of the store has this VIN; correct that one first.",
        field="vin",
        kind="conflict",
        vehicle_ref=vehicle_ref,
    )


def vin_known_elsewhere() -> RuleViolation:
    return RuleViolation(
        "vin_known_elsewhere",
        "Another store of the group knows a vehicle with this VIN. Say whether it is this one.",
        field="is_same_vehicle",
        kind="conflict",
    )


def contact_point_ended(contact_point_id: str) -> RuleViolation:
    return RuleViolation(
        "contact_point_ended",
        f"The contact point {contact_point_id} has ended.",
        field="contact_point_id",
        kind="conflict",
    )


def unknown_line(store_id: str) -> RuleViolation:
    return RuleViolation(
        "unknown_line",
        f"The group has no store {store_id} to which a line could belong.",
        field="store_id",
    )


def conversation_answered(conversation_id: str) -> RuleViolation:
    return RuleViolation(
        "conversation_answered",
        "Nothing in the conversation waits for an answer.",
        field="conversation_id",
        kind="conflict",
        conversation_id=conversation_id,
    )


def sender_unknown(conversation_id: str) -> RuleViolation:
    return RuleViolation(
        "sender_unknown",
        "The sender is not known as a customer; say first who it is.",
        field="conversation_id",
        kind="conflict",
        conversation_id=conversation_id,
    )


def sender_known(conversation_id: str) -> RuleViolation:
    return RuleViolation(
        "sender_known",
        "It is known already who the sender is.",
        field="conversation_id",
        kind="conflict",
        conversation_id=conversation_id,
    )


def last_telephone() -> RuleViolation:
    return RuleViolation(
        "last_telephone",
        "A customer has a telephone number of their own; add another one first.",
        field="contact_point_id",
        kind="conflict",
    )


def owner_without_successor() -> RuleViolation:
    return RuleViolation(
        "owner_without_successor",
        "A vehicle has an owner until another person owns it; register the new owner.",
        field="role",
        kind="conflict",
    )


def plate_or_vin() -> RuleViolation:
    return RuleViolation("plate_or_vin", "Either a plate or a VIN is required.", field="plate")


def already_completed(follow_up_id: str, by: str | None, at: datetime) -> RuleViolation:
    return RuleViolation(
        "already_completed",
        f"The follow-up {follow_up_id} is already completed.",
        field="follow_up_id",
        kind="conflict",
        by=by,
        at=at.isoformat(),
    )


def follow_up_cancelled(follow_up_id: str) -> RuleViolation:
    return RuleViolation(
        "follow_up_cancelled",
        f"The follow-up {follow_up_id} is cancelled.",
        field="follow_up_id",
        kind="conflict",
    )


def satisfaction_without_contact() -> RuleViolation:
    return RuleViolation(
        "satisfaction_without_contact",
        "Satisfaction cannot be recorded for a customer who was not reached.",
        field="satisfaction",
    )


def needs_without_contact() -> RuleViolation:
    return RuleViolation(
        "needs_without_contact",
        "Needs cannot be recorded for a customer who was not reached.",
        field="needs",
    )


def next_call_in_past() -> RuleViolation:
    return RuleViolation(
        "next_call_in_past", "The next call must be in the future.", field="next_call_at"
    )


def reassigned_meanwhile(by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "reassigned_meanwhile",
        "The customer has another agent since.",
        field="seen_agent_id",
        kind="conflict",
        by=by,
        at=at.isoformat() if at else None,
    )


def no_agent_of_store(agent_id: str) -> RuleViolation:
    return RuleViolation(
        "no_agent_of_store", f"{agent_id} calls no customers of this store.", field="agent_id"
    )


def month_not_over(month: str) -> RuleViolation:
    return RuleViolation("month_not_over", f"The month {month} is not over.", field="month")


def report_filed(month: str, by: object, at: object) -> RuleViolation:
    return RuleViolation(
        "report_filed",
        f"The report of {month} is filed already.",
        field="month",
        kind="conflict",
        by=by,
        at=str(at),
    )


def order_of_another_customer(order_id: str) -> RuleViolation:
    return RuleViolation(
        "order_of_another_customer",
        f"The order {order_id} is not this customer's.",
        field="order_id",
        kind="conflict",
    )


def nothing_to_call_about(message_id: str) -> RuleViolation:
    return RuleViolation(
        "nothing_to_call_about",
        f"The message {message_id} requires no call.",
        field="message_id",
        kind="conflict",
    )


def link_from_a_person() -> RuleViolation:
    return RuleViolation(
        "link_from_a_person",
        "A message with a link can only be sent by the service that made the link.",
        field="message_type",
        kind="forbidden",
    )


def policy_ends_before_begin() -> RuleViolation:
    return RuleViolation(
        "policy_ends_before_begin", "The policy ends before it begins.", field="ends_on"
    )


def policy_too_long() -> RuleViolation:
    return RuleViolation(
        "policy_too_long", "A policy lasts three years at the longest.", field="ends_on"
    )


def policies_overlap(policy_id: str, begins_on: date, ends_on: date) -> RuleViolation:
    return RuleViolation(
        "policies_overlap",
        f"The policy {policy_id} insures the same from {begins_on} to {ends_on}: confirm this one.",
        field="overlap_confirmed",
        kind="conflict",
        policy=policy_id,
        begin=begins_on.isoformat(),
        end=ends_on.isoformat(),
    )


def unknown_insurer(insurer: str, known: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "unknown_insurer", f"{insurer} is not one of {', '.join(known)}.", field="insurer"
    )


def quote_expired(field: str, valid_until: date) -> RuleViolation:
    return RuleViolation(
        "quote_expired",
        f"The quote was valid until {valid_until}.",
        field=field,
        day=valid_until.isoformat(),
    )


def renewal_closed(policy_id: str, by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "renewal_closed",
        f"The renewal of the policy {policy_id} has a result already.",
        field="policy_id",
        kind="conflict",
        by=by,
        at=at and at.isoformat(),
    )


def insurer_of_no_policy() -> RuleViolation:
    return RuleViolation(
        "insurer_of_no_policy",
        "Only a vehicle that is insured elsewhere has another insurer.",
        field="insurer",
    )


def handed_to_itself() -> RuleViolation:
    return RuleViolation(
        "handed_to_itself", "The renewal is this store's already.", field="to_store_id"
    )


def day_to_come(field: str) -> RuleViolation:
    return RuleViolation("day_to_come", "The day is still to come.", field=field)


def odometer_backward(odometer_km: int, read_on: date) -> RuleViolation:
    return RuleViolation(
        "odometer_backward",
        f"The odometer runs backward: it showed {odometer_km} km on {read_on}.",
        field="odometer_km",
        km=odometer_km,
        day=read_on.isoformat(),
    )


def reminder_closed(reminder_id: str, by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "reminder_closed",
        f"The reminder {reminder_id} has an answer already.",
        field="reminder_id",
        kind="conflict",
        by=by,
        at=at and at.isoformat(),
    )


def later_on_a_day_to_come() -> RuleViolation:
    return RuleViolation(
        "later_on_a_day_to_come",
        "An invitation for later needs a day to come, and no other answer has one.",
        field="remind_on",
    )


def appointment_of_no_booking() -> RuleViolation:
    return RuleViolation(
        "appointment_of_no_booking",
        "Only a customer who has booked has an appointment.",
        field="appointment_id",
    )


def unknown_store(store_id: str) -> RuleViolation:
    return RuleViolation(
        "unknown_store",
        f"There is no store {store_id}.",
        field="to_store_id",
        kind="not_found",
    )


def survey_answered(at: datetime) -> RuleViolation:
    return RuleViolation(
        "survey_answered",
        "This survey is answered already.",
        field="survey_id",
        kind="conflict",
        at=at.isoformat(),
    )


def not_lapsed(customer_ref: str) -> RuleViolation:
    return RuleViolation(
        "not_lapsed",
        f"The customer {customer_ref} is not lost.",
        field="customer_ref",
        kind="conflict",
    )


def already_recorded(field: str, by: str | None, at: datetime) -> RuleViolation:
    return RuleViolation(
        "already_recorded",
        "The result is already recorded.",
        field=field,
        kind="conflict",
        by=by,
        at=at.isoformat(),
    )


def survey_expired(at: datetime) -> RuleViolation:
    return RuleViolation(
        "survey_expired",
        "This survey can be answered no more.",
        field="survey_id",
        kind="conflict",
        at=at.isoformat(),
    )


def unknown_survey_link() -> RuleViolation:
    return RuleViolation(
        "unknown_survey_link", "There is no such survey.", field="token", kind="not_found"
    )


def colleague_at_survey() -> RuleViolation:
    return RuleViolation(
        "colleague_at_survey",
        "Only the customer answers over their link.",
        field="token",
        kind="forbidden",
    )


def question_of_another_version(question: str) -> RuleViolation:
    return RuleViolation(
        "question_of_another_version",
        f"{question} is no question of the version that was asked.",
        field=f"scores.{question}",
        question=question,
    )


def question_unanswered(question: str) -> RuleViolation:
    return RuleViolation(
        "question_unanswered",
        f"The question {question} has no answer.",
        field=f"scores.{question}",
        question=question,
    )


def not_delivered(order_id: str) -> RuleViolation:
    return RuleViolation(
        "not_delivered",
        f"The vehicle of the order {order_id} is not delivered.",
        field="order_id",
        kind="conflict",
    )


def consent_missing(customer_ref: str) -> RuleViolation:
    return RuleViolation(
        "consent_missing",
        f"The customer {customer_ref} has not consented that the sales department contacts them.",
        field="customer_ref",
        kind="conflict",
    )


def surveyed_already(order_id: str) -> RuleViolation:
    return RuleViolation(
        "surveyed_already",
        f"The customer is asked about the order {order_id} already.",
        field="order_id",
        kind="conflict",
    )


def asked_lately(rest_days: int) -> RuleViolation:
    return RuleViolation(
        "asked_lately",
        f"The customer was asked within the last {rest_days} days.",
        field="order_id",
        kind="conflict",
        days=rest_days,
    )


def complaint_under_way() -> RuleViolation:
    return RuleViolation(
        "complaint_under_way",
        "A complaint of the customer is under way; the revisit asks about it.",
        field="order_id",
        kind="conflict",
    )


def wants_no_survey() -> RuleViolation:
    return RuleViolation(
        "wants_no_survey",
        "The customer does not want to be asked on the phone.",
        field="order_id",
        kind="conflict",
    )


def no_questionnaire() -> RuleViolation:
    return RuleViolation(
        "no_questionnaire",
        "The group has no questionnaire for calls.",
        field="order_id",
        kind="conflict",
    )


def days_out_of_order() -> RuleViolation:
    return RuleViolation("days_out_of_order", "The last day is before the first.", field="last_day")


def telephone_as_part_number() -> RuleViolation:
    return RuleViolation(
        "telephone_as_part_number",
        "A part number cannot be a telephone number.",
        field="part_number",
    )


def lead_already_answered(status: str, by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "lead_already_answered",
        f"The lead is already {status}.",
        field="answer",
        kind="conflict",
        status=status,
        by=by,
        at=at.isoformat() if at else None,
    )


def reason_of_lead(answer: str, *, is_needed: bool) -> RuleViolation:
    if is_needed:
        return RuleViolation(
            "reason_needed", f"A lead that is {answer} needs a reason.", field="reason"
        )
    return RuleViolation(
        "reason_not_needed", f"A lead that is {answer} has no reason.", field="reason"
    )


def merged_with_itself() -> RuleViolation:
    return RuleViolation(
        "merged_with_itself",
        "A customer cannot be merged with itself; name another one.",
        field="customer_ref",
    )


def customer_merged(customer_ref: str, into_ref: str) -> RuleViolation:
    """A record that is read as another one (已合并客户)."""
    return RuleViolation(
        "customer_merged",
        f"The customer {customer_ref} is merged into {into_ref}.",
        field="customer_ref",
        kind="conflict",
        into_customer_ref=into_ref,
    )


def has_merged_customers(customer_ref: str, merged_refs: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "has_merged_customers",
        f"Others are merged into the customer {customer_ref}; keep this one, or separate them.",
        field="customer_ref",
        kind="conflict",
        customer_refs=list(merged_refs),
    )


def person_with_company() -> RuleViolation:
    return RuleViolation(
        "person_with_company",
        "A person and a company are never one customer.",
        field="customer_ref",
        kind="conflict",
    )


def not_of_this_store(customer_ref: str) -> RuleViolation:
    return RuleViolation(
        "not_of_this_store",
        f"This store has no customer {customer_ref}. Customers of two stores are never merged.",
        field="customer_ref",
        kind="not_found",
    )


def not_merged(customer_ref: str) -> RuleViolation:
    return RuleViolation(
        "not_merged",
        f"The customer {customer_ref} is not merged into this one.",
        field="customer_ref",
        kind="conflict",
    )


def limits_crossed(field: str) -> RuleViolation:
    return RuleViolation("limits_crossed", "The upper limit is below the lower one.", field=field)


def round_in_past() -> RuleViolation:
    return RuleViolation("round_in_past", "The day of the calls has passed.", field="due_on")


def round_too_large(customers: int, most: int) -> RuleViolation:
    return RuleViolation(
        "round_too_large",
        f"{customers} customers have what is asked for; a round has {most} at most.",
        field="segment",
        customers=customers,
        most=most,
    )


def limit_missing(field: str) -> RuleViolation:
    return RuleViolation("limit_missing", "A price limit has a floor or a ceiling.", field=field)


def limits_of_own_campaign() -> RuleViolation:
    return RuleViolation(
        "limits_of_own_campaign",
        "Only a manufacturer's campaign has price limits.",
        field="price_limits",
    )


def period_over(field: str) -> RuleViolation:
    return RuleViolation(
        "period_over", "The campaign's period is over, or ends before it begins.", field=field
    )


def waves_after_end(last: date) -> RuleViolation:
    return RuleViolation(
        "waves_after_end",
        f"The last wave would be on {last}, after the campaign's end.",
        field="waves",
        last=last.isoformat(),
    )


def campaign_not(status: str, by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "campaign_status",
        f"The campaign is {status}.",
        field="campaign_id",
        kind="conflict",
        status=status,
        by=by,
        at=at.isoformat() if at else None,
    )


def not_invited(customer_ref: str) -> RuleViolation:
    return RuleViolation(
        "not_invited",
        "The customer is not invited to the campaign.",
        field="invitation_id",
        kind="conflict",
        customer_ref=customer_ref,
    )


def invitation_answered(answer: str, by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "invitation_answered",
        f"The invitation has the answer {answer} already.",
        field="answer",
        kind="conflict",
        answer=answer,
        by=by,
        at=at.isoformat() if at else None,
    )


def erasure_under_way(under_way: "UnderWay") -> RuleViolation:
    """Something of the customer has not ended (业务未结束): it needs the person's data."""
    return RuleViolation(
        "erasure_under_way",
        "An order, a complaint or an inquiry of the customer has not ended; end it first.",
        field="customer_ref",
        kind="conflict",
        **asdict(under_way),
    )


def columns_undecided(
    missing: Sequence[str], headings: Sequence[str], found: Mapping[str, str]
) -> RuleViolation:
    """Headings of a file of which it is not clear which columns they are (列名未识别)."""
    return RuleViolation(
        "columns_undecided",
        f"Say which columns are {', '.join(missing)}.",
        field="columns",
        missing=list(missing),
        headings=list(headings),
        columns=dict(found),
    )


def unreadable_file() -> RuleViolation:
    return RuleViolation(
        "unreadable_file",
        "It is neither a workbook (XLSX) nor a CSV file in UTF-8 or GB18030.",
        field="content",
    )


def too_many_rows(most: int) -> RuleViolation:
    return RuleViolation(
        "too_many_rows", f"A file may have {most} rows.", field="content", most=most
    )


def no_rows() -> RuleViolation:
    return RuleViolation("no_rows", "The file has no rows below its headings.", field="content")


def import_not_open(status: str) -> RuleViolation:
    return RuleViolation(
        "import_not_open",
        f"The import is {status}.",
        field="status",
        kind="conflict",
        import_status=status,
    )
