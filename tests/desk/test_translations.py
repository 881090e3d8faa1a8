"""Translations of all texts that the desk shows, in both languages."""

import re
from pathlib import Path
from typing import get_args

import pytest

from services.crm.application.complaints import ContactChannel
from services.crm.domain.assignment import Cause as AssignmentCause
from services.crm.domain.campaign import CampaignStatus, CostKind, InvitationState, SkipCause
from services.crm.domain.complaint import EntryKind
from services.crm.domain.complaint import Status as ComplaintStatus
from services.crm.domain.follow_up import Need
from services.crm.domain.insurance import RenewalResult
from services.crm.domain.kept_data import DataClass
from services.crm.domain.lead import LeadStatus
from services.crm.domain.message import Declinable
from services.crm.domain.message import Status as MessageStatus
from services.crm.domain.survey import Status as SurveyStatus
from services.crm.entrypoints import timers as crm
from services.desk.components.event_fields import FIELDS
from services.desk.components.kpis import AMOUNTS, COUNTS, GROUPS, KPIS
from services.desk.components.problems import error_text, field_error_text
from services.desk.i18n import Translator
from services.desk.model_words import CHOICES, KEYS
from services.desk.page import MENU
from services.desk.pages import (
    attendance,
    claim,
    complaint,
    master_data,
    order,
    roles,
    survey,
    write_up,
)
from services.desk.pages.master_data.record import COLLECTIONS
from services.desk.pages.master_data.sheet_import import cell_error_text
from services.desk.pages.order.feedback import RATINGS
from services.desk.pages.today import MONEY as BARS
from services.desk.pages.write_up.condition import POSITIONS
from services.management.domain.record import Action
from services.management.domain.sheet_cells import CellRule
from services.management.domain.sheet_import import Outcome as SheetOutcome
from services.management.domain.sheet_import import Status as SheetStatus
from services.management.domain.sheet_rows import FileRule
from services.management.domain.sheet_words import CODED_FIELDS, OWNER, TITLES
from services.management.domain.sheet_words import FIELDS as SHEET_FIELDS
from services.management.entrypoints import timers as management
from services.reception.domain.claim import ClaimDetails, ClaimStatus
from services.reception.domain.delivery import DeliveryBlocker
from services.reception.domain.estimate_version import Status as EstimateStatus
from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.domain.link import Device, Use
from services.reception.domain.photo import PhotoKind
from services.reception.domain.promise import RevisionReason
from services.reception.entrypoints import timers as reception
from services.reporting.domain.renewal import REFERENCES
from services.reporting.entrypoints import timers as reporting
from services.workshop.domain.absence import AbsenceKind
from services.workshop.domain.correction import CorrectionReason
from services.workshop.domain.dispatch import OverrideKind, OverrideReason
from services.workshop.domain.inspection import ItemResult
from services.workshop.domain.job import JobStatus, PartsReason, PauseReason
from services.workshop.entrypoints import timers as workshop
from services.workshop.planning.replan import ChangeCode
from services.workshop.planning.risk import RiskCode
from shared.calls import ApiError
from shared.clients.crm.models import DepartmentKind
from shared.clients.management.models import CellErrorView, CorrectiveActionResult
from shared.contracts import CONTRACTS
from shared.contracts.crm import (
    CampaignAnswer,
    CampaignOrigin,
    CampaignReason,
    ComplaintSource,
    ConsentPurpose,
    ErasureReason,
    InquirySubject,
    InsuranceChannel,
    InsuranceKind,
    InvitationChannel,
    LapseBasis,
    LapseCause,
    LeadKind,
    LeadReason,
    PublicPlatform,
    PublicTone,
    ReminderAnswer,
    RenewalLossCause,
    ServiceReminderKind,
    Tier,
    TierChangeReason,
    WinBackResult,
)
from shared.contracts.management import (
    COMPLAINT_CAUSES,
    COMPLAINT_SEVERITIES,
    CORRECTIVE_ACTION_SOURCES,
    FINDINGS_OF_SOURCE,
    FOLLOW_UP_REASONS,
    MESSAGE_LANGUAGES,
    MESSAGE_PLACEHOLDERS,
    AppointmentRules,
    AttendanceRules,
    AuthorizationRules,
    Break,
    CalendarYear,
    ChecklistStep,
    CompensationLimit,
    ComplaintDeadlines,
    ComplaintRules,
    CorrectiveActionRule,
    CorrectiveActionRules,
    CustomerCareRules,
    DefectionRules,
    DeliveryChecklistRules,
    Entitlement,
    EntitlementKind,
    FacilityArea,
    FacilityChecklistRules,
    FacilityItem,
    FeedbackRules,
    FollowUpReasonRule,
    FollowUpReasonRules,
    FollowUpRules,
    GreetingRules,
    GroupProfile,
    InspectionChecklistRules,
    InspectionItem,
    InspectionList,
    InspectionYear,
    InsuranceRules,
    Insurer,
    LeadRules,
    LoyaltyRules,
    LoyaltyTier,
    MessageRules,
    MessageTemplate,
    OfferedModel,
    PartPrice,
    PostDescription,
    PriceKind,
    PromiseRules,
    Questionnaire,
    QuietHours,
    RuleKind,
    ServiceInterval,
    ServiceReminderRules,
    SettlementRules,
    ShiftPattern,
    ShiftRules,
    SurveyChannel,
    SurveyFactor,
    SurveyQuestion,
    SurveyRules,
    VoucherLimit,
    VoucherRules,
    WorkingCalendarRules,
    WorkshopRules,
)
from shared.contracts.reception import (
    CancellationReason,
    Channel,
    ClaimDecision,
    ClaimStep,
    CreditNoteReason,
    DiscountReason,
    OdometerDiscrepancyReason,
    OnAccountReason,
    Payer,
    PaymentMethod,
    PayType,
    RefundReason,
    VoucherKind,
    VoucherSource,
    WaiverReason,
    WalkaroundDamageKind,
    WalkaroundPosition,
    WithdrawalReason,
)
from shared.contracts.reporting import DailyKpis
from shared.dead_letters import Decision
from shared.formats import PlateKind
from shared.kept_data import KeptKind
from shared.problems import FieldError
from shared.security import Role

_DESK = Path("services/desk")
_TEXT = re.compile(r"""\bt\(\s*(?:"((?:[^"\\]|\\.)+)"|'((?:[^'\\]|\\.)+)')""")
_RULE = re.compile(r"""(?:RuleViolation|Problem)\(\s*(?:\d+,\s*)?"([a-z_]+)\"""")
_UNKNOWN = re.compile(r"""\bunknown\("([a-z_]+?)(?:_id|_ref)?\"""")
_NOT_FOR_PEOPLE = {
    "another_origin",
    "unknown_host",
    "stalled_consumer",
    "database_unavailable",
    "no_assignment",
    "token_missing",
    "unknown_event_type",
    "compressed_body",
    "signed_out",
}

TIMERS = {
    *reception.TIMERS,
    *workshop.TIMERS,
    *crm.TIMERS,
    *reporting.TIMERS,
    *management.TIMERS,
}

ZH, EN = Translator("zh"), Translator("en")


def _texts() -> set[str]:
    found = set()
    for module in (*_DESK.rglob("*.py"), *_DESK.rglob("pages/*.html")):
        for match in _TEXT.finditer(module.read_text(encoding="utf-8")):
            found.add(next(filter(None, match.groups())))
    return found | {
        page.title
        for page in (
            *(page for section in MENU for page in section.pages),
            claim.PAGE,
            complaint.PAGE,
            write_up.PAGE,
            order.PAGE,
            survey.PAGE,
            master_data.CHANGE,
            master_data.PRICES,
            master_data.WEEK,
            master_data.SHEETS,
            master_data.SHEET_IMPORT,
        )
    }


def test_every_text_is_translated() -> None:
    texts = _texts()
    assert len(texts) > 100
    assert [text for text in sorted(texts) if ZH(text) == text] == []


def test_translation_has_same_placeholders() -> None:
    for text in _texts():
        assert set(re.findall(r"{\w+}", ZH(text))) == set(re.findall(r"{\w+}", text)), text


@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
def test_every_coded_value_is_translated(words: Translator) -> None:
    coded = {
        "role": set(get_args(Role)) - {"system"},
        "menu_section": [section.name for section in MENU],
        "area": {each.area for each in roles.permissions()},
        "operation": [each.code for each in roles.permissions()],
        "order_status": get_args(RepairOrderStatus),
        "status": get_args(JobStatus),
        "pause": get_args(PauseReason),
        "method": get_args(PaymentMethod),
        "reason": (*get_args(ChangeCode), *get_args(RevisionReason)),
        "why": get_args(ChangeCode),
        "risk": get_args(RiskCode),
        "manual_override": get_args(OverrideReason),
        "override": get_args(OverrideKind),
        "result": get_args(ItemResult),
        "absence": get_args(AbsenceKind),
        "attendance": attendance.STATUSES,
        "attendance_source": ("machine", "corrected"),
        "attendance_column": attendance.COLUMNS,
        "attendance_row": attendance.ROW_RULES,
        "sheet_status": get_args(SheetStatus),
        "sheet_outcome": get_args(SheetOutcome),
        "cell": (*get_args(CellRule), *get_args(FileRule)),
        "weekday": "1234567",
        "parts": get_args(PartsReason),
        "insurance_kind": get_args(InsuranceKind),
        "insurance_channel": get_args(InsuranceChannel),
        "renewal_result": get_args(RenewalResult),
        "reminder_kind": get_args(ServiceReminderKind),
        "reminder_answer": get_args(ReminderAnswer),
        "renewal_loss_cause": get_args(RenewalLossCause),
        "correction": get_args(CorrectionReason),
        "cancellation": get_args(CancellationReason),
        "plate_kind": get_args(PlateKind),
        "pay": get_args(PayType),
        "payer": get_args(Payer),
        "estimate": get_args(EstimateStatus),
        "authorization_channel": get_args(Channel),
        "discount": get_args(DiscountReason),
        "refund": get_args(RefundReason),
        "on_account": get_args(OnAccountReason),
        "credit_note": get_args(CreditNoteReason),
        "voucher": get_args(VoucherKind),
        "voucher_source": get_args(VoucherSource),
        "waiver": get_args(WaiverReason),
        "delivery_blocker": get_args(DeliveryBlocker),
        "withdrawal": get_args(WithdrawalReason),
        "claim": get_args(ClaimStatus),
        "pending_step": get_args(ClaimStep),
        "claim_decision": get_args(ClaimDecision),
        "claim_details": ClaimDetails.__dataclass_fields__,
        "rating": RATINGS,
        "finding": FINDINGS_OF_SOURCE["follow_up"],
        "closing": get_args(CorrectiveActionResult),
        "kpi": (*DailyKpis.model_fields, *REFERENCES),
        "group": GROUPS,
        "formula": [each.name for each in KPIS],
        "photo": get_args(PhotoKind),
        "link": (
            *("unknown_link", "link_used", "link_expired", "old_version", "already_decided"),
            "colleague_at_link",
        ),
        "survey_link": (
            *("unknown_survey_link", "survey_answered", "survey_expired"),
            "colleague_at_survey",
        ),
        "survey_channel": get_args(SurveyChannel),
        "survey_status": get_args(SurveyStatus),
        "link_use": (*get_args(Use), "seen"),
        "device": get_args(Device),
        "position": POSITIONS,
        "damage": get_args(WalkaroundDamageKind),
        "odometer": get_args(OdometerDiscrepancyReason),
        "channel": (*get_args(Declinable), *get_args(ContactChannel)),
        "message": get_args(MessageStatus),
        "tier": get_args(Tier),
        "follow_up_reason": FOLLOW_UP_REASONS,
        "need": get_args(Need),
        "assign_cause": get_args(AssignmentCause),
        "tier_reason": get_args(TierChangeReason),
        "lapse_basis": get_args(LapseBasis),
        "lapse_cause": get_args(LapseCause),
        "win_back": get_args(WinBackResult),
        "campaign_answer": get_args(CampaignAnswer),
        "campaign_passage": ("invited", *get_args(CampaignAnswer)),
        "campaign_cost": get_args(CostKind),
        "campaign_origin": get_args(CampaignOrigin),
        "campaign_reason": get_args(CampaignReason),
        "campaign_status": get_args(CampaignStatus),
        "consent_purpose": get_args(ConsentPurpose),
        "invitation_channel": get_args(InvitationChannel),
        "invitation_state": get_args(InvitationState),
        "skip_cause": get_args(SkipCause),
        "data_class": get_args(DataClass),
        "kept_kind": get_args(KeptKind),
        "erasure_reason": get_args(ErasureReason),
        "lead_kind": get_args(LeadKind),
        "lead_status": get_args(LeadStatus),
        "lead_reason": get_args(LeadReason),
        "entitlement": get_args(EntitlementKind),
        "rule_key": (*KEYS, "brands", "parts"),
        "lost_by": CHOICES["lost_by"][1],
        "if_crowded": CHOICES["if_crowded"][1],
        "formula_of_month": ("lapse_rate", "retention_rate", *REFERENCES),
        "message_type": MESSAGE_PLACEHOLDERS,
        "template_language": MESSAGE_LANGUAGES,
        "placeholder": {"store", "name", "link"}.union(*MESSAGE_PLACEHOLDERS.values()),
        "corrective_action_source": CORRECTIVE_ACTION_SOURCES,
        "rule_kind": (*get_args(RuleKind), *get_args(PriceKind)),
        "collection": COLLECTIONS,
        "severity": COMPLAINT_SEVERITIES,
        "complaint": get_args(ComplaintStatus),
        "complaint_source": get_args(ComplaintSource),
        "complaint_cause": COMPLAINT_CAUSES,
        "complaint_entry": get_args(EntryKind),
        "inquiry_subject": get_args(InquirySubject),
        "platform": get_args(PublicPlatform),
        "tone": get_args(PublicTone),
        "department_request": get_args(DepartmentKind),
        "rule": ("price_zero", "price_below_cost", "price_list_unused", "no_store_can_do_it"),
        "rule_action": get_args(Action),
        "rule_field": {
            field
            for model in (
                LoyaltyRules,
                LoyaltyTier,
                MessageRules,
                QuietHours,
                MessageTemplate,
                SettlementRules,
                DeliveryChecklistRules,
                ChecklistStep,
                FacilityChecklistRules,
                FacilityArea,
                FacilityItem,
                CorrectiveActionRules,
                CorrectiveActionRule,
                InspectionChecklistRules,
                InspectionList,
                InspectionItem,
                ShiftRules,
                ShiftPattern,
                Break,
                WorkingCalendarRules,
                CalendarYear,
                GroupProfile,
                GreetingRules,
                FollowUpRules,
                FollowUpReasonRules,
                FollowUpReasonRule,
                PromiseRules,
                AppointmentRules,
                AuthorizationRules,
                WorkshopRules,
                CustomerCareRules,
                FeedbackRules,
                AttendanceRules,
                Insurer,
                InsuranceRules,
                InspectionYear,
                ServiceInterval,
                ServiceReminderRules,
                Questionnaire,
                SurveyFactor,
                SurveyQuestion,
                SurveyRules,
                ComplaintRules,
                ComplaintDeadlines,
                CompensationLimit,
                DefectionRules,
                LeadRules,
                VoucherRules,
                VoucherLimit,
                OfferedModel,
                Entitlement,
                PostDescription,
                PartPrice,
            )
            for field in model.model_fields
        }
        - {"kind", *MESSAGE_LANGUAGES}
        | {"for_store"},
        "decision": get_args(Decision),
        "decide": get_args(Decision),
        "timer": TIMERS,
        "event": {contract.__name__ for contract in CONTRACTS.values()},
        "field": FIELDS,
    }
    missing = [
        f"{kind}.{code}"
        for kind, codes in coded.items()
        for code in codes
        if words.known(f"{kind}.{code}") is None
    ]
    assert missing == []


def test_every_timer_type_is_translated() -> None:
    texts = (module.read_text(encoding="utf-8") for module in Path("services").rglob("*.py"))
    assert sum(text.count(" TimerHandler(") for text in texts) == len(TIMERS)


def test_every_daily_kpi_is_shown() -> None:
    shown = {*COUNTS, *AMOUNTS, *BARS, *(each.name for each in KPIS)}
    assert shown == set(DailyKpis.model_fields)


def test_write_up_shows_every_position_once() -> None:
    assert sorted(POSITIONS) == sorted(get_args(WalkaroundPosition))


@pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])
def test_every_rule_code_is_translated(words: Translator) -> None:
    texts = [
        module.read_text(encoding="utf-8")
        for folder in ("services", "shared")
        for module in Path(folder).rglob("*.py")
    ]
    rules = {rule for text in texts for rule in _RULE.findall(text)}
    rules |= {f"unknown_{kind}" for text in texts for kind in _UNKNOWN.findall(text)}
    assert {"odometer_backwards", "technician_busy", "unknown_customer", "unknown_job"} <= rules
    unexplained = {rule for rule in rules if words.known(f"rule.{rule}") is None}
    assert unexplained - _NOT_FOR_PEOPLE == set()


def test_error_is_translated_with_its_values() -> None:
    error = ApiError(
        422,
        rule="payment_above_balance",
        detail="The payment is above the balance of 83400 cents.",
        field_errors=[FieldError(field="amount_cents", rule="payment_above_balance", message="m")],
        values={"balance_cents": 83400},
    )
    assert error_text(ZH, error) == "收款超过未收金额 ¥834.00。"
    assert error_text(EN, error) == "The payment is above the balance of ¥834.00."


def test_rule_text_may_differ_by_field() -> None:
    error = ApiError(422)
    plate, other = (
        FieldError(field=field, rule="value_error", message="m") for field in ("plate", "elsewhere")
    )
    assert "省份" in field_error_text(ZH, plate, error)
    assert field_error_text(ZH, other, error) == "格式不对。"


def test_unknown_rule_shows_message_of_service() -> None:
    unknown = FieldError(field="plate", rule="brand_new_rule", message="The service says so.")
    assert field_error_text(ZH, unknown, ApiError(422)) == "The service says so."


def test_refused_cell_names_what_stands_there() -> None:
    error = CellErrorView(
        sheet="",
        cell="A2",
        column="code",
        value="qiyue:NOPE",
        rule="unknown_part",
        expected="",
        detail="There is no part NOPE.",
        heading="",
    )
    assert cell_error_text(ZH, error) == "没有备件qiyue:NOPE。"


@pytest.mark.parametrize(("words", "place"), [(ZH, 0), (EN, 1)], ids=["zh", "en"])
def test_sheets_have_words_of_desk(words: Translator, place: int) -> None:
    coded = {"skill_code": "skill_code", "bay": "bay", "role": "role"}
    written = {
        **{f"rule_kind.{kind}": title for kind, title in TITLES.items()},
        **{f"rule_field.{name}": title for name, title in SHEET_FIELDS.items()},
        "rule_field.for_store": OWNER,
        **{
            f"{kind}.{code}": title
            for name, kind in coded.items()
            for code, title in CODED_FIELDS[name].items()
        },
    }
    differing = {
        key: words.known(key)
        for key, title in written.items()
        if key.partition(".")[2] not in MESSAGE_LANGUAGES and words.known(key) != title[place]
    }
    assert differing == {}
