"""What a service's refusal or silence is called in the person's language."""

from services.desk.client import AwayError, Fault, RefusalError
from services.desk.i18n import Words


def fault_text(t: Words, fault: Fault, refusal: RefusalError) -> str:
    """The sentence for one field: by rule and field, by rule, else as the service put it."""
    field = fault.field.split(".")[-1]
    found = t.known(f"rule.{fault.rule}.{field}") or t.known(f"rule.{fault.rule}")
    if found is None:
        return fault.message
    values = {name: _spoken(t, name, value) for name, value in refusal.values.items()}
    try:
        return found.format(**values)
    except (KeyError, IndexError):
        return fault.message


def refusal_text(t: Words, refusal: RefusalError) -> str:
    """The sentence for a refusal as a whole."""
    for fault in refusal.faults:
        return fault_text(t, fault, refusal)
    whole = Fault("", refusal.rule, refusal.detail)
    return fault_text(t, whole, refusal)


def away_text(t: Words, away: AwayError) -> str:
    """The sentence for a service that does not answer."""
    return t(
        "{service} does not answer at the moment. Nothing was changed; please try again shortly.",
        service=t.code("service", away.service),
    )


def _spoken(t: Words, name: str, value: object) -> object:
    """Coded values in words, money in yuan."""
    if name.endswith("_cents") and isinstance(value, int):
        return f"¥{value / 100:,.2f}"
    if name in ("stage", "needed", "status", "trade", "method"):
        kind = "stage" if name == "needed" else name
        return t.code(kind, str(value))
    return value
