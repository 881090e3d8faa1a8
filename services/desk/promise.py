"""Limiting factor of a promise, as a sentence."""

from services.desk.context import PageContext
from services.desk.reasons import sentence
from shared.clients.reception.models import Quote


def limiting_factor_text(ctx: PageContext, quote: Quote) -> str:
    """Return the reason why the promise is not earlier."""
    factor = quote.limiting_factor
    if quote.provisional or factor is None:
        return ctx.t(
            "Provisional: the workshop is unavailable, the time comes from its last known capacity."
        )
    return sentence(ctx, "limiting_factor", factor.code, factor.detail, lambda job_id: job_id)
