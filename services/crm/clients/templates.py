"""Templates, quiet hours and rules of messages, read from ``messages.yaml`` of the group folder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ConfigDict

from services.crm.domain.message import Language, MessageType, QuietHours
from services.crm.domain.message_text import Template, check
from shared.group import read_yaml

_LANGUAGES: tuple[Language, ...] = get_args(Language)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Text(_Strict):
    title: str
    text: str
    call: str | None = None


class _QuietHours(_Strict):
    starts: time
    ends: time


class _Rules(_Strict):
    """Rules of the group, or different ones of a store."""

    quiet_hours: _QuietHours | None = None
    notify_at_risk: bool | None = None
    templates: dict[MessageType, dict[Language, _Text]] = {}


class _File(_Rules):
    valid_from: date | None = None
    stores: dict[str, _Rules] = {}


@dataclass(frozen=True)
class MessageRules:
    """One store's message texts and sending rules.

    ``notify_at_risk``: customers are told that a promise is at risk before a new one is decided on.
    """

    quiet: QuietHours
    notify_at_risk: bool
    templates: Mapping[tuple[MessageType, Language], Template]


def load_message_rules(folder: Path, stores: Iterable[str]) -> Mapping[str, MessageRules]:
    """Return the rules by store.

    Raises:
        ValueError: a template is missing, has a placeholder that its type lacks, or a store is not
            the group's.
    """
    file = _File.model_validate(read_yaml(folder, "messages.yaml"))
    known = list(stores)
    if strangers := file.stores.keys() - set(known):
        raise ValueError(f"messages.yaml names unknown stores: {', '.join(sorted(strangers))}")
    return {store_id: _merged(file, file.stores.get(store_id, _Rules())) for store_id in known}


def _merged(group: _Rules, own: _Rules) -> MessageRules:
    quiet = own.quiet_hours or group.quiet_hours
    if quiet is None:
        raise ValueError("messages.yaml has no quiet_hours")
    notify_at_risk = group.notify_at_risk if own.notify_at_risk is None else own.notify_at_risk
    return MessageRules(
        QuietHours(quiet.starts, quiet.ends), bool(notify_at_risk), _templates(group, own)
    )


def _templates(group: _Rules, own: _Rules) -> Mapping[tuple[MessageType, Language], Template]:
    templates: dict[tuple[MessageType, Language], Template] = {}
    message_types: tuple[MessageType, ...] = get_args(MessageType)
    for message_type in message_types:
        texts = group.templates.get(message_type, {}) | own.templates.get(message_type, {})
        for language in _LANGUAGES:
            if language not in texts:
                raise ValueError(f"messages.yaml has no template {message_type} in {language}")
            template = Template(**dict(texts[language]))
            try:
                check(template, message_type)
            except ValueError as error:
                raise ValueError(f"messages.yaml, {message_type} in {language}: {error}") from None
            templates[message_type, language] = template
    return templates
