"""Insurance policies (保单) as pages show and ask for them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import badge
from services.desk.components.forms import Form, choices, several
from services.desk.context import PageContext
from services.desk.i18n import Translator
from shared.clients.crm.models import InsurersView, PolicyDetail, PolicyView
from shared.contracts.crm import InsuranceChannel, InsuranceKind

RESULT_TONES = {
    "won": "good",
    "lost": "bad",
    "insured_elsewhere": "bad",
    "handed_over": "calm",
}

_CENTS = 100


async def insurers_of(ctx: PageContext) -> InsurersView:
    """Return the insurers whose policies the store sells, and the days of the cadence."""
    return await ctx.shared(
        "insurers", lambda: ctx.services.crm.list_insurers(ctx.store.id), fresh_s=60.0
    )


def insurer_names(t: Translator, known: InsurersView) -> dict[str, str]:
    """Return the names of insurers by their codes."""
    return {each.insurer: t.of(each) for each in known.insurers}


def kinds_text(t: Translator, kinds: Sequence[InsuranceKind]) -> str:
    """Return the names of kinds of insurance, one after another."""
    return t.listed(t.code("insurance_kind", kind) for kind in kinds)


def days_left_badge(t: Translator, policy: PolicyView | PolicyDetail, days: Sequence[int]) -> None:
    """Show the days to the end of a policy in the color of its place in the cadence."""
    left = policy.days_left
    if left < 0:
        badge(t("Ended {count} days ago", count=-left), "bad")
    else:
        place = sum(each >= left for each in days)
        tone = "bad" if place > len(days) / 2 else "warn" if place > 1 else "calm"
        badge(t("{count} days left", count=left), tone)


def result_badge(t: Translator, policy: PolicyView | PolicyDetail) -> None:
    """Show what came of a renewal."""
    if policy.result:
        badge(t.code("renewal_result", policy.result), RESULT_TONES[policy.result])
    else:
        badge(t("Open"), "warn")


class TermsFields:
    """Fields of what a policy insures, for how long and at what price."""

    def __init__(
        self,
        form: Form,
        names: Mapping[str, str],
        *,
        insurer: str | None = None,
        kinds: Sequence[InsuranceKind] = ("compulsory", "damage", "third_party"),
        begins_on: date | None = None,
        ends_on: date | None = None,
        premium_cents: int = 0,
    ) -> None:
        t = form.ctx.t
        self.insurer = form.field(
            "insurer", ui.select(dict(names), label=t("Insurer"), value=insurer)
        )
        self.kinds = form.field(
            "kinds",
            several(
                choices(t, "insurance_kind", get_args(InsuranceKind)), t("Insured risks"), kinds
            ),
        )
        self.begins_on = form.field("begins_on", _day(t("First day insured"), begins_on))
        self.ends_on = form.field("ends_on", _day(t("Last day insured"), ends_on))
        self.premium = form.field("premium_cents", premium_field(t, premium_cents))
        self.channel = form.field(
            "channel",
            ui.select(
                choices(t, "insurance_channel", get_args(InsuranceChannel)),
                label=t("Sold by"),
                value="in_store",
            ),
        )
        self.number = form.field("policy_number", ui.input(t("Policy number")))

    def values(self) -> dict[str, Any]:
        """Return the terms as a request carries them."""
        return {
            "insurer": self.insurer.value,
            "kinds": self.kinds.value,
            "begins_on": self.begins_on.value,
            "ends_on": self.ends_on.value,
            "premium_cents": formats.cents(self.premium.value or 0),
            "channel": self.channel.value,
            "policy_number": self.number.value or None,
        }


TERMS = ("insurer", "kinds", "begins_on", "ends_on", "premium_cents", "channel")
"""Names of the fields that must be filled in."""


def premium_field(t: Translator, cents: int = 0) -> ui.number:
    """Return a field for a premium, typed in yuan."""
    return ui.number(t("Premium"), value=cents / _CENTS or None, min=0, prefix="¥", format="%.2f")


def _day(label: str, value: date | None) -> ui.input:
    made = ui.input(label, value=value.isoformat() if value else "")
    made.props("type=date stack-label")
    return made
