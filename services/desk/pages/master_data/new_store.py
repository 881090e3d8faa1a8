"""Opening of a store (新店开业): one form that begins with what a like store has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from services.desk.client import invalid_request
from services.desk.components.elements import box, button, link, panel, test_id, text
from services.desk.components.forms import Field, Form, styled
from services.desk.components.model_form import Editor, ModelForm
from services.desk.context import PageContext
from services.desk.directory import Store
from services.desk.model_words import name_of
from services.desk.pages.master_data.decisions import day_input
from services.desk.pages.master_data.form import shifts_of
from services.desk.pages.master_data.overview import NEW_STORE
from services.desk.pages.master_data.record import address_of
from shared.clients.management.models import OpenedStore, OpenStoreRequest, Person
from shared.contracts.management import StoreProfile

PAGE = NEW_STORE

_RATES = "labor_rate_cents"
_FIRST_POST = "service_manager"
_NEEDED = ("code", "zh", "en", "city.zh", "city.en", "first_day", "reason")
_ONE_ROW = ("zh", "en", "telephone", "code")


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the form, which begins with the page's store as the like one."""
    await _NewStore(ctx, await ctx.stores()).take_over()


class _NewStore:
    """Form of a new store; another like store replaces hours, rates and posts alone."""

    def __init__(self, ctx: PageContext, stores: Mapping[str, Store]) -> None:
        self._ctx, t = ctx, ctx.t
        with test_id("new-store-form", box("record-form")):
            form = self._form = Form(ctx)
            with panel(t("New store")), box("fields"):
                self._fields = {"code": ui.input(t("Code"))}
                for name in ("zh", "en"):
                    self._fields[name] = ui.input(name_of(t, name))
                for name in ("zh", "en"):
                    label = f"{name_of(t, 'city')} · {name_of(t, name)}"
                    self._fields[f"city.{name}"] = ui.input(label)
                today = ctx.today()
                tomorrow = f"{today + timedelta(days=1)}"
                self._fields["first_day"] = day_input(t("Opening day"), today, tomorrow)
                self._like = self._like_field(stores)
                self._own = ui.switch(t("With its own prices and own rules"), value=True)
                test_id("own_prices_and_rules", self._own)
            with panel(t("Hours and rates")):
                self._hours = box("model")
            with panel(t("Posts to fill")):
                text(t("A post that is not filled in stays open. People begin today."), "hint")
                self._posts = box("form-rows")
            with panel(t("Reason")):
                self._fields["reason"] = ui.input(t("Reason"))
                form.speak_here()
                with box("card-actions"):
                    button(t("Open store"), self._send, name="open-store", kind="main")
                    link(t("Cancel"), f"{ctx.store_path}/master-data/stores", "as-button")
        for name, field in self._fields.items():
            form.field(name, field)

    async def take_over(self) -> None:
        """Take over hours, rates and posts of the chosen store."""
        management, like = self._ctx.services.management, str(self._like.value)
        view = await management.get_store(like)
        listed = await management.list_staff(like)
        shifts = {each.shift: self._ctx.t.of(each) for each in await shifts_of(self._ctx, like)}
        profile = view.holds and view.holds.content
        for place in (self._hours, self._posts):
            place.clear()
        with self._hours:
            if isinstance(profile, StoreProfile):
                self._show_hours(profile)
        people = [entry.content for entry in listed if isinstance(entry.content, Person)]
        with self._posts:
            self._staff = _Staff(self._ctx, people, like, shifts)
        self._form.part("staff", self._staff)

    def _like_field(self, stores: Mapping[str, Store]) -> ui.select:
        t = self._ctx.t
        names = {store_id: f"{store_id} · {t.of(store)}" for store_id, store in stores.items()}
        made = ui.select(
            names, label=t("Like which store"), value=self._ctx.store.id, with_input=True
        )
        made.on_value_change(self.take_over)
        return self._form.field("like", made)

    def _show_hours(self, profile: StoreProfile) -> None:
        t, form = self._ctx.t, self._form
        with box("fields"):
            for name in ("opening", "closing"):
                made = ui.input(name_of(t, name), value=getattr(profile, name))
                self._fields[name] = form.field(name, made.props("type=time stack-label"))
            zone = ui.input(name_of(t, "zone"), value=profile.zone)
            self._fields["zone"] = form.field("zone", zone)
        rates = StoreProfile.model_fields[_RATES].annotation
        self._rates: Editor = ModelForm(t, complete=True).of(
            _RATES, rates, profile.labor_rate_cents
        )
        self._rates.name(_RATES)
        form.part(_RATES, self._rates)

    async def _send(self) -> None:
        if not self._form.require(*_NEEDED):
            self._form.show_problem()
            return
        opened = await self._form.send(self._command)
        if opened:
            await self._ctx.changed()
            here = self._ctx.store.id
            ui.navigate.to(address_of("stores", here, opened.code, own=False))
        else:
            self._form.show_problem()

    async def _command(self) -> OpenedStore:
        typed = {name: field.value for name, field in self._fields.items()}
        city = {name: typed.pop(f"city.{name}") for name in ("zh", "en")}
        code = typed.pop("code").strip()
        try:
            body = OpenStoreRequest.model_validate(
                {
                    **typed,
                    "like": self._like.value,
                    "own_prices_and_rules": self._own.value,
                    "city": city,
                    _RATES: self._rates.read(),
                    "staff": self._staff.read(),
                }
            )
        except ValidationError as error:
            raise invalid_request(error) from error
        return await self._ctx.services.management.open_store(
            code, body, idempotency_key=self._form.attempt
        )


@dataclass(frozen=True)
class _Post:
    """Post to fill: role, skills and shift as in the like store, and who begins in it."""

    role: str
    like: Person
    fields: Mapping[str, ui.input]

    @property
    def is_filled(self) -> bool:
        return any(field.value for field in self.fields.values())

    def read(self) -> dict[str, Any]:
        typed = {name: (field.value or "").strip() for name, field in self.fields.items()}
        return {
            **typed,
            "telephone": typed["telephone"] or None,
            "role": self.role,
            "skills": self.like.skills,
            "shift": self.like.shift,
        }


class _Staff:
    """One row for each full-time post of the like store, folded by role; that of the manager is
    open.
    """

    def __init__(
        self, ctx: PageContext, people: Sequence[Person], like: str, shifts: Mapping[str, str]
    ) -> None:
        self._shifts = shifts
        posts = [
            (post.role, person)
            for person in people
            for post in person.posts
            if post.in_store == like and post.full_time
        ]
        posts.sort(key=lambda each: (each[0] != _FIRST_POST, each[0]))
        self._posts: list[_Post] = []
        for role, of_role in groupby(posts, key=lambda each: each[0]):
            like_ones = [person for _, person in of_role]
            label = f"{ctx.t.code('role', role)} · {len(like_ones)}"
            with ui.expansion(label, value=role == _FIRST_POST).classes("form-group") as group:
                test_id(f"staff-{role}", group)
                for person in like_ones:
                    self._posts.append(self._row(ctx, role, person, len(self._posts)))

    def read(self) -> list[dict[str, Any]]:
        return [post.read() for post in self._filled]

    def find(self, path: str) -> Field | None:
        """Return the field at a path such as ``0.code``; open posts have no place."""
        place, _, name = path.partition(".")
        if not place.isdecimal() or int(place) >= len(self._filled):
            return None
        fields = self._filled[int(place)].fields
        return fields.get(name, fields["code"])

    @property
    def _filled(self) -> list[_Post]:
        return [post for post in self._posts if post.is_filled]

    def _row(self, ctx: PageContext, role: str, like: Person, number: int) -> _Post:
        t = ctx.t
        skills = t.listed(
            f"{t.code('skill_code', skill)} {level}" for skill, level in like.skills.items()
        )
        shift = self._shifts.get(like.shift, like.shift) if like.shift else None
        with box("form-row"), box("model"):
            text(" · ".join(filter(None, (skills, shift))), "hint")
            with box("fields"):
                fields = {name: ui.input(self._label(ctx, name)) for name in _ONE_ROW}
        for name, field in fields.items():
            test_id(f"staff.{number}.{name}", styled(field))
        return _Post(role, like, fields)

    def _label(self, ctx: PageContext, name: str) -> str:
        return ctx.t("Staff number") if name == "code" else name_of(ctx.t, name)
