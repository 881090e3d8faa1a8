"""The question who comes with a vehicle or number that is known by another name or number."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import Handler, box, button, test_id, text
from services.desk.components.forms import Form
from services.desk.context import PageContext
from shared.calls import ApiError
from shared.clients.crm.models import AddVehiclePersonRole, RegistrationDecision

UNDECIDED = "person_undecided"
"""Rule by which customer relations asks who comes."""

_OTHER_ROLES: Sequence[AddVehiclePersonRole] = ("driver", "payer", "bringer")


class WhoComes:
    """Place below a form with the three answers, and the answer that was given."""

    def __init__(self, ctx: PageContext) -> None:
        self.decision: RegistrationDecision | None = None
        self._ctx = ctx
        self._place: ui.element | None = None

    def show(self) -> None:
        """Place the question here."""
        self._place = test_id("who-comes", box("confirmation"))

    def forget(self) -> None:
        """Forget the answer: it was given about other details."""
        self.decision = None
        if self._place:
            self._place.clear()

    async def ask(self, form: Form, send: Handler) -> None:
        """Ask about the last try, if it was refused for that; an answer makes the next try."""
        error = form.error
        if self._place is None or error is None or error.rule != UNDECIDED:
            return
        self._place.clear()
        possibilities = _possibilities(error)
        names = await self._ctx.names([each["customer_ref"] for each in possibilities])
        with self._place:
            for name, label, decision in self._answers(possibilities, names.customers):
                button(label, self._give(decision, send), name=name, kind="small")

    def _give(self, decision: RegistrationDecision, send: Handler) -> Handler:
        async def give() -> None:
            self.forget()
            self.decision = decision
            await send()

        return give

    def _answers(
        self, possibilities: Sequence[Mapping[str, Any]], names: Mapping[str, str]
    ) -> Iterator[tuple[str, str, RegistrationDecision]]:
        t = self._ctx.t
        owner = next((each for each in possibilities if "owner" in each["roles"]), None)
        for each in possibilities:
            name = names.get(each["customer_ref"]) or formats.NOTHING
            roles = t.listed(t.code("vehicle_role", role) for role in each["roles"])
            text(_known_as(self._ctx, name, roles))
            if each["roles"] or owner is None:
                yield (
                    "same-person",
                    t("It is {name}: correct name and number", name=name),
                    RegistrationDecision(answer="same_person", customer_ref=each["customer_ref"]),
                )
        for role in _OTHER_ROLES if owner else ():
            word = t.code("vehicle_role", role)
            yield (
                f"another-{role}",
                t("Another person: {role}", role=word),
                RegistrationDecision(answer="another_person", role=role),
            )
        if owner is None:
            yield (
                "another-person",
                t("Another person with the same number"),
                RegistrationDecision(answer="another_person"),
            )
        else:
            former = names.get(owner["customer_ref"]) or formats.NOTHING
            yield (
                "new-owner",
                t("New owner: bought from {name}", name=former),
                RegistrationDecision(answer="new_owner", customer_ref=owner["customer_ref"]),
            )


def _possibilities(error: ApiError) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = error.values["possibilities"]
    return found


def _known_as(ctx: PageContext, name: str, roles: str) -> str:
    if roles:
        return ctx.t("{name} is known for this vehicle as: {roles}.", name=name, roles=roles)
    return ctx.t("{name} has the same telephone number.", name=name)
