"""Check of the rules of messages to customers (客户通知规则)."""

from collections.abc import Collection
from string import Formatter

from shared.contracts.management import (
    LINKED_MESSAGES,
    MESSAGE_LANGUAGES,
    MESSAGE_PLACEHOLDERS,
    MessageRules,
    MessageTemplate,
)
from shared.contracts.violations import RuleViolation


def check(rules: MessageRules) -> None:
    """Check the templates.

    Raises:
        RuleViolation: a message type or language is unknown, or a template has a placeholder that
            its type lacks.
    """
    for message_type, texts in rules.templates.items():
        field = f"content.templates.{message_type}"
        if message_type not in MESSAGE_PLACEHOLDERS:
            raise RuleViolation(
                "unknown_message_type", f"There is no message type {message_type}.", field=field
            )
        for language, template in texts.items():
            if language not in MESSAGE_LANGUAGES:
                raise RuleViolation(
                    "unknown_language",
                    f"{language} is not one of {', '.join(MESSAGE_LANGUAGES)}.",
                    field=f"{field}.{language}",
                )
            _check_template(template, message_type, f"{field}.{language}")


def check_complete(rules: MessageRules) -> None:
    """Check that the group's rules leave nothing out, as a store's own rules may.

    Raises:
        RuleViolation: quiet hours, the rule on risks, the number of calls or a template is
            missing.
    """
    given = {
        "quiet_hours": rules.quiet_hours,
        "notify_at_risk": rules.notify_at_risk,
        "most_calls": rules.most_calls,
        **{
            f"templates.{message_type}.{language}": rules.templates.get(message_type, {}).get(
                language
            )
            for message_type in MESSAGE_PLACEHOLDERS
            for language in MESSAGE_LANGUAGES
        },
    }
    if missing := [name for name, value in given.items() if value is None]:
        raise RuleViolation(
            "incomplete",
            f"The group's rules have no {missing[0]}.",
            field=f"content.{missing[0]}",
        )


def _check_template(template: MessageTemplate, message_type: str, field: str) -> None:
    """Check the placeholders of a template.

    A title may name the store; a text also the customer, every value of its type and the link,
    where it has one.
    """
    has_link = message_type in LINKED_MESSAGES
    values = {"store", "name", *MESSAGE_PLACEHOLDERS[message_type]}
    _require_known(template.title, {"store"}, f"{field}.title")
    _require_known(template.call or "", values, f"{field}.call")
    used = _require_known(template.text, {*values, "link"} if has_link else values, f"{field}.text")
    if has_link and "link" not in used:
        raise RuleViolation(
            "link_missing", f"The text of {message_type} lacks {{link}}.", field=f"{field}.text"
        )
    if (template.call is not None) != has_link:
        raise RuleViolation(
            "call_without_link",
            "What is said on the phone stands instead of a text with {link}, and there alone.",
            field=f"{field}.call",
        )


def _require_known(text: str, placeholders: Collection[str], field: str) -> set[str]:
    """Return the placeholders of ``text``, all of which are known and plain."""
    try:
        parts = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        raise RuleViolation(
            "unpaired_brace", "A brace stands alone; write {{ or }} for one.", field=field
        ) from None
    for _, name, specification, conversion in parts:
        if name not in placeholders or specification or conversion:
            raise RuleViolation(
                "unknown_placeholder",
                f"{{{name}}} is not one of {', '.join(sorted(placeholders))}.",
                field=field,
                placeholder=name,
            )
    return {str(name) for _, name, _, _ in parts}
