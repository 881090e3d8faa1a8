"""Fields of payments (收款)."""

from nicegui import ui

from services.desk.components.forms import Form, choices
from shared.contracts.reception import PaymentMethod

_METHODS: tuple[PaymentMethod, ...] = ("wechat", "alipay", "card", "cash", "transfer")
"""Payment methods, the usual ones first."""


def method_field(form: Form) -> ui.select:
    """Add a field for a payment method."""
    t = form.ctx.t
    return form.field(
        "method", ui.select(choices(t, "method", _METHODS), label=t("Method"), value="wechat")
    )
