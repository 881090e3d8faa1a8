"""Questions that a service asks before it accepts unusual input (确认后继续)."""

from collections.abc import Mapping

from services.desk.components.elements import Handler, box, button, test_id
from services.desk.components.forms import Form


class Confirmation:
    """Buttons below a form, one for each rule that may be overridden, and the confirmed rules.

    ``questions`` gives by rule the field of the body that confirms, and the button's label.
    """

    def __init__(self, form: Form, questions: Mapping[str, tuple[str, str]]) -> None:
        self._form = form
        self._questions = questions
        self._confirmed: set[str] = set()
        self._place = test_id("confirmation", box("confirmation"))

    def given(self, field: str) -> bool:
        """Return whether the person has confirmed what the field of the body confirms."""
        return field in self._confirmed

    def ask(self, send: Handler) -> None:
        """Offer to confirm the rule that refused the last try, then to ``send`` again."""
        self._place.clear()
        rule = self._form.error.rule if self._form.error else ""
        if rule not in self._questions:
            return
        field, label = self._questions[rule]

        async def confirm() -> None:
            self._confirmed.add(field)
            self._place.clear()
            await send()

        with self._place:
            button(label, confirm, name=f"confirm-{field}", kind="small")
