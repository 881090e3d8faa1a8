"""Parts of what customers and the store write to each other (客户来信)."""

from collections.abc import Mapping

from services.desk import formats
from services.desk.i18n import Translator
from shared.clients.crm.models import ConversationDetail, ConversationView
from shared.contracts.crm import ReceivedKind

KIND_WORDS: Mapping[ReceivedKind, str] = {
    "attachment": "A picture, voice message or file, which was not taken",
}
"""What stands for a message without words."""


def sender_name(t: Translator, conversation: ConversationView | ConversationDetail) -> str:
    """Return the customer's name, or the number or id of a sender who is not known."""
    if conversation.sender and conversation.channel == "sms":
        return formats.phone(t, conversation.sender)
    return conversation.name or conversation.sender or formats.NOTHING
