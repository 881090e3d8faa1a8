"""Rules of messages (客户通知规则) as they hold in one store."""

from dataclasses import dataclass
from datetime import time

from services.crm.domain.message import Language, MessageType, QuietHours
from shared.contracts.management import MessageRules, MessageTemplate


@dataclass(frozen=True)
class StoreMessageRules:
    """The rules of one store: its own, and the group's for what they leave out."""

    own: MessageRules
    group: MessageRules

    @property
    def quiet_hours(self) -> QuietHours | None:
        given = self.own.quiet_hours or self.group.quiet_hours
        if given is None:
            return None
        return QuietHours(time.fromisoformat(given.starts), time.fromisoformat(given.ends))

    @property
    def notify_at_risk(self) -> bool:
        """Whether customers are told of a promise at risk before a new one is decided on.

        They are not, where no rule says so.
        """
        own = self.own.notify_at_risk
        return bool(self.group.notify_at_risk if own is None else own)

    @property
    def most_calls(self) -> int | None:
        """Number of calls about one message to a customer who is not reached."""
        return self.own.most_calls or self.group.most_calls

    def template(self, message_type: MessageType, language: Language) -> MessageTemplate | None:
        """Return the wording of a message, if there is one."""
        for rules in (self.own, self.group):
            if template := rules.templates.get(message_type, {}).get(language):
                return template
        return None
