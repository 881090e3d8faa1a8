"""Form for the content of a record, with the offers that other master data makes."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from services.desk.components.model_form import ModelEditor, ModelForm
from services.desk.context import PageContext
from services.desk.model_words import findings, with_code
from services.desk.pages.master_data.contents import Content
from services.desk.pages.master_data.record import MasterRecord
from services.desk.pages.master_data.templates import Templates, TemplatesEditor
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.management.models import RecordView
from shared.contracts.management import (
    GROUP_ROLES,
    STORE_ROLES,
    AppointmentRules,
    AttendanceRules,
    AuthorizationRules,
    ComplaintRules,
    CustomerCareRules,
    DefectionRules,
    DeliveryChecklistRules,
    FacilityChecklistRules,
    FeedbackRules,
    FollowUpReasonRules,
    GreetingRules,
    InspectionChecklistRules,
    InsuranceRules,
    LeadRules,
    MessageRules,
    PostDescription,
    PromiseRules,
    ServiceReminderRules,
    ShiftPattern,
    ShiftRules,
    SurveyRules,
    VoucherRules,
    WorkshopRules,
)

_STAND_AS_WHOLE = (
    PromiseRules,
    AppointmentRules,
    AuthorizationRules,
    WorkshopRules,
    CustomerCareRules,
    FeedbackRules,
    AttendanceRules,
    FollowUpReasonRules,
    InsuranceRules,
    ServiceReminderRules,
    SurveyRules,
    ComplaintRules,
    DefectionRules,
    DeliveryChecklistRules,
    FacilityChecklistRules,
    GreetingRules,
    InspectionChecklistRules,
    LeadRules,
    VoucherRules,
    PostDescription,
    ShiftRules,
)
"""Rules of which a store's own stand instead of the group's as a whole."""


_OF_OTHER_ITEMS = frozenset({"operation", "package", "recall"})

_ORDER = (
    "zh",
    "en",
    "telephone",
    "posts",
    "skills",
    "certificates",
    "shift",
    "time_factor",
    "leave",
)
"""Fields of a person, as a manager fills them in."""


@dataclass(frozen=True)
class Surroundings:
    """What a form offers besides: the group's content beside own rules, brands, stores, shifts."""

    of_group: Content | None
    brands: Sequence[str]
    stores: Mapping[str, str]
    shifts: Mapping[str, str]
    certificates: Sequence[str]


async def surroundings_of(record: MasterRecord) -> Surroundings:
    """Return what the form of a record needs to know."""
    ctx, management = record.ctx, record.ctx.services.management
    of_group = None
    if record.is_rules and record.own:
        rules = await management.get_group_rules(record.code)
        of_group = rules.holds.content if rules.holds else None
    stores = await ctx.stores()
    is_person = record.kind == "person"
    shifts = await shifts_of(ctx, ctx.store.id) if is_person else ()
    return Surroundings(
        of_group=of_group,
        brands=sorted({store.brand.zh for store in stores.values() if store.brand}),
        stores={store_id: ctx.t.of(store) for store_id, store in stores.items()},
        shifts={shift.shift: with_code(ctx.t.of(shift), shift.shift) for shift in shifts},
        certificates=await _certificates(ctx) if is_person else (),
    )


async def _certificates(ctx: PageContext) -> Sequence[str]:
    """Return the certificates that labor operations demand; none while reception is away."""
    with suppress(ServiceUnavailableError, ApiError):
        operations = (await ctx.catalog()).operations.values()
        return sorted({each.certificate for each in operations if each.certificate})
    return ()


async def shifts_of(ctx: PageContext, store_id: str) -> Sequence[ShiftPattern]:
    """Return the shifts in which a store works."""
    management = ctx.services.management
    own = await management.get_store_rules(store_id, "shifts")
    if own.holds and isinstance(own.holds.content, ShiftRules):
        return own.holds.content.shifts
    of_group = await management.get_group_rules("shifts")
    content = of_group.holds.content if of_group.holds else None
    return content.shifts if isinstance(content, ShiftRules) else ()


async def words_of(record: MasterRecord, view: RecordView) -> dict[str, Mapping[str, str]]:
    """Return the names of codes in the versions of a record: the shift of a person, and the parts
    and labor operations of an item of the catalog.
    """
    ctx = record.ctx
    if record.kind == "person":
        listed = await shifts_of(ctx, ctx.store.id)
        return {"shift": {shift.shift: ctx.t.of(shift) for shift in listed}}
    if record.kind not in _OF_OTHER_ITEMS:
        return {}
    with suppress(ServiceUnavailableError, ApiError):
        catalog = await ctx.catalog()
        used = {part for each in view.versions for part in getattr(each.content, "parts", ())}
        await catalog.parts.know(used)
        return {
            "parts": {each: catalog.parts.name(each) for each in used},
            "op_codes": {each: catalog.operation(each) for each in catalog.operations},
        }
    return {}


def form_of(record: MasterRecord, content: Content | None, around: Surroundings) -> ModelEditor:
    """Add the form; it begins with ``content``, or the group's that own rules stand instead of."""
    ctx, own_rules = record.ctx, record.is_rules and record.own
    if content is None and isinstance(around.of_group, _STAND_AS_WHOLE):
        content = around.of_group
    templates = _templates_of(around.of_group) if own_rules else None
    form = ModelForm(
        ctx.t,
        complete=not own_rules,
        by_hand={"templates": lambda given: TemplatesEditor(ctx, given or {}, templates)},
        hints={"brands": around.brands},
        offers=_offers(record, around),
        names=ctx.words,
        order=_ORDER if record.kind == "person" else (),
    )
    return form.of_model(record.model, _values(content))


def _values(content: Content | None) -> dict[str, Any]:
    return content.model_dump() if content else {}


def _templates_of(of_group: Content | None) -> Templates:
    """Return the templates that hold where a store has none of its own."""
    return of_group.model_dump()["templates"] if isinstance(of_group, MessageRules) else {}


def _offers(record: MasterRecord, around: Surroundings) -> dict[str, Mapping[str, str]]:
    ctx, t = record.ctx, record.ctx.t
    if record.kind != "person":
        return {"finding": {"": t("All other findings"), **findings(ctx)}}
    own = {ctx.store.id: t.of(ctx.store)}
    roles = STORE_ROLES if record.own else (*STORE_ROLES, *GROUP_ROLES)
    known = {code: with_code(t.code("certificate", code), code) for code in around.certificates}
    return {
        **({"certificate": known} if known else {}),
        "in_store": own if record.own else {"": t("Whole group"), **around.stores},
        "shift": {"": t("No shift"), **around.shifts},
        "role": {role: t.code("role", role) for role in roles},
    }
