"""Criteria of a segment (筛选条件) as fields, and its size before it is saved."""

from collections.abc import Mapping
from typing import Any, get_args

from nicegui import ui

from services.desk.components.elements import (
    badge,
    box,
    cell,
    cell_box,
    facts,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, several
from services.desk.components.tier import tier_badge
from services.desk.context import PageContext
from services.desk.i18n import Translator
from shared.clients.crm.models import Segment, SegmentPreview
from shared.contracts.crm import Tier

_NUMBERS: Mapping[str, str] = {
    "min_days_since_visit": "Days since the last visit, at least",
    "max_days_since_visit": "Days since the last visit, at most",
    "min_odometer_km": "Odometer (km), at least",
    "max_odometer_km": "Odometer (km), at most",
    "min_age_months": "Age of the vehicle in months, at least",
    "max_age_months": "Age of the vehicle in months, at most",
    "insurance_ends_within_days": "Insurance ends within days",
}
_SWITCHES: Mapping[str, str] = {
    "has_declined_work": "Work was declined",
    "without_open_complaint": "Without an open complaint",
    "without_other_campaign": "In no other campaign that runs",
}
_USUAL = ("without_open_complaint", "without_other_campaign")


class SegmentFields:
    """Fields of the criteria, all of which apply, filled with those ``given``."""

    def __init__(self, form: Form, given: Segment | None = None) -> None:
        t = form.ctx.t
        with box("fields"):
            tiers = several(tier_choices(t), t("Tiers"), given.tiers if given else ())
            self._lists = {"tiers": form.field("segment.tiers", tiers)}
            for name, title in (("brands", t("Brands")), ("models", t("Models"))):
                chosen: list[str] = getattr(given, name, [])
                made = ui.select(
                    chosen,
                    label=title,
                    value=chosen,
                    multiple=True,
                    with_input=True,
                    new_value_mode="add-unique",
                )
                self._lists[name] = form.field(f"segment.{name}", made.props("use-chips"))
            self._numbers = {
                name: form.field(
                    f"segment.{name}",
                    ui.number(t(title), value=getattr(given, name, None), min=0, precision=0),
                )
                for name, title in _NUMBERS.items()
            }
        with box("toolbar"):
            self._switches = {
                name: test_id(
                    f"segment.{name}",
                    ui.checkbox(t(title), value=getattr(given, name, name in _USUAL)),
                )
                for name, title in _SWITCHES.items()
            }

    def values(self) -> dict[str, Any]:
        return {
            **{name: made.value or [] for name, made in self._lists.items()},
            **{
                name: None if made.value is None else int(made.value)
                for name, made in self._numbers.items()
            },
            **{name: made.value for name, made in self._switches.items()},
        }


def tier_choices(t: Translator) -> dict[str, str]:
    """Return the tiers with their names, and the customers without one."""
    return {**choices(t, "tier", get_args(Tier)), "none": t("No tier")}


def size_of_segment(ctx: PageContext, preview: SegmentPreview) -> None:
    """Show how many customers a segment has, and whether they say enough about an effect."""
    t = ctx.t
    facts(
        [
            (t("Customers"), f"{preview.customers:,}"),
            (t("To be invited"), f"{preview.invited:,}"),
            (t("Held back"), f"{preview.control:,}"),
            (t("Without consent to marketing"), f"{preview.without_consent:,}"),
        ]
    )
    if preview.is_small:
        badge(t("Too few customers to measure the effect well"), "warn")
    figures = (t("Customers"), t("Without consent to marketing"))
    if preview.tiers:
        with table([t("Tier"), *figures], figures):
            for each in preview.tiers:
                with row():
                    with cell_box():
                        if each.tier:
                            tier_badge(t, each.tier)
                        else:
                            text(t("No tier"))
                    cell(f"{each.customers:,}", "figure")
                    cell(f"{each.without_consent:,}", "figure")


def segment_facts(t: Translator, segment: Segment) -> list[tuple[str, str]]:
    """Return the criteria of a segment that restrict it."""
    tiers = tier_choices(t)
    given = [
        (t("Tiers"), t.listed(tiers[each] for each in segment.tiers)),
        (t("Brands"), t.listed(segment.brands)),
        (t("Models"), t.listed(segment.models)),
        *(
            (t(title), f"{getattr(segment, name):,}")
            for name, title in _NUMBERS.items()
            if getattr(segment, name) is not None
        ),
        *((t(title), t("Yes")) for name, title in _SWITCHES.items() if getattr(segment, name)),
    ]
    return [(name, value) for name, value in given if value]
