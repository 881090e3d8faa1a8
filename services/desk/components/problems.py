"""Sentences for a service's errors or missing response, in the person's language."""

from collections.abc import Sequence

from services.desk.i18n import Translator
from shared.calls import ApiError, ServiceUnavailableError
from shared.problems import FieldError

_CODED = {
    "order_status": "order_status",
    "needed": "order_status",
    "status": "status",
    "skill_code": "skill_code",
    "method": "method",
    "tier": "tier",
    "better": "tier",
    "source": "corrective_action_source",
}
"""Values that are codes, with the kind of word for them."""


def field_error_text(t: Translator, field_error: FieldError, error: ApiError) -> str:
    """Return the sentence for one field: by rule and field, by rule, else as the service put it."""
    field = field_error.field.split(".")[-1]
    found = t.known(f"rule.{field_error.rule}.{field}") or t.known(f"rule.{field_error.rule}")
    if found is None:
        return field_error.message
    values = {name: _spoken(t, name, value) for name, value in error.values.items()}
    try:
        return with_known(t, found.format(**values), error.values.get("known", ()))
    except (KeyError, IndexError):
        return field_error.message


def with_known(t: Translator, said: str, known: Sequence[str]) -> str:
    """Return what is said about an unknown code, with some that are known."""
    if not known:
        return said
    return f"{said} {t('Known are, for example: {codes}.', codes=t.listed(known))}"


def error_text(t: Translator, error: ApiError) -> str:
    """Return the sentence for an error as a whole."""
    for field_error in error.field_errors:
        return field_error_text(t, field_error, error)
    whole = FieldError(field="", rule=error.rule, message=error.detail)
    return field_error_text(t, whole, error)


def unavailable_text(t: Translator, unavailable: ServiceUnavailableError) -> str:
    """Return the sentence for a service that does not respond."""
    return t(
        "{service} does not respond at the moment. Nothing was changed; please try again shortly.",
        service=t.code("service", unavailable.service),
    )


def _spoken(t: Translator, name: str, value: object) -> object:
    """Return coded values in words, money in yuan."""
    if name.endswith("_cents") and isinstance(value, int):
        return f"¥{value / 100:,.2f}"
    if name in _CODED:
        return t.code(_CODED[name], str(value))
    return value
