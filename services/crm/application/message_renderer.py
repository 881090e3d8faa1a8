"""Messages as text: rendered from their templates when needed, and not stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.rules import store_message_rules, template_of
from services.crm.domain.message import Message
from services.crm.domain.message_rules import StoreMessageRules
from services.crm.domain.message_text import TEMPLATE_VALUES, MessageText, render
from services.crm.persistence.conversation import encrypted_answers
from services.crm.persistence.persons import Person
from shared.db import Connection
from shared.group import Store
from shared.personal_data import PersonalData


@dataclass(frozen=True)
class RenderedMessage:
    """A message with its recipient and its text."""

    message: Message
    person: Person
    content: MessageText


async def render_messages(
    connection: Connection,
    store_id: str,
    messages: Sequence[Message],
    persons: Mapping[str, Person],
    deps: Deps,
    *,
    with_links: bool = False,
) -> list[RenderedMessage]:
    """Render each message that is for one of ``persons``, in the order of ``messages``.

    Only the text that is sent to the customer contains the customer's link (``with_links``); a
    colleague reads the text to say on the phone.

    Raises:
        NotDefinedError: there is no wording for one of them.
    """
    addressed = {
        message.message_id: (message, person)
        for message in messages
        if (person := persons.get(message.customer_ref or ""))
    }
    store = await deps.group.store(connection, store_id)
    rules = await store_message_rules(connection, store, deps.uow_factory.clock.now(), deps)
    links = await _links(connection, store_id, addressed, deps.personal) if with_links else {}
    answers = await _answers(connection, store_id, addressed, deps.personal)
    return [
        RenderedMessage(
            message,
            person,
            MessageText(_name(store, person), answers[key])
            if key in answers
            else _render(message, person, links.get(key), rules, store),
        )
        for key, (message, person) in addressed.items()
    ]


async def _answers(
    connection: Connection,
    store_id: str,
    addressed: Mapping[str, tuple[Message, Person]],
    personal: PersonalData,
) -> Mapping[str, str]:
    """Return the words of those messages that answer a customer."""
    ids = [key for key, (message, _) in addressed.items() if message.message_type == "answer"]
    if not ids:
        return {}
    encrypted = await encrypted_answers(connection, store_id, ids)
    texts = await personal.decrypt_all(connection, store_id, list(encrypted.values()))
    return {key: text or "" for key, text in zip(encrypted, texts, strict=True)}


def _name(store: Store, person: Person) -> str:
    return store.zh if person.language == "zh" else store.en


async def _links(
    connection: Connection,
    store_id: str,
    addressed: Mapping[str, tuple[Message, Person]],
    personal: PersonalData,
) -> Mapping[str, str | None]:
    encrypted = await persistence.encrypted_links(connection, store_id, list(addressed))
    texts = await personal.decrypt_all(
        connection,
        store_id,
        [(addressed[key][1].customer_ref, link) for key, link in encrypted.items()],
    )
    return dict(zip(encrypted, texts, strict=True))


def _render(
    message: Message,
    person: Person,
    link: str | None,
    rules: StoreMessageRules,
    store: Store,
) -> MessageText:
    return render(
        template_of(rules, message.message_type, person.language),
        TEMPLATE_VALUES[message.message_type].model_validate(message.values),
        name=person.name,
        store=_name(store, person),
        language=person.language,
        zone=store.timezone,
        link=link,
    )
