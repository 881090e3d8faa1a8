"""Photos (照片): taken with the camera or chosen, kept by reception, shown as small pictures."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from nicegui import events, ui

from services.desk.components.elements import box, test_id, text
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import PageContext
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.reception.models import PhotoView
from shared.request_body import LARGEST_PICTURE

_PICK = '(event) => runMethod(event.currentTarget.dataset.picks, "pickFiles", [])'


class Photo(Protocol):
    """Photo as far as a small picture shows it."""

    @property
    def photo_id(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def position(self) -> str | None: ...


def gallery(ctx: PageContext, photos: Sequence[Photo]) -> None:
    """Show small pictures with their captions; a click opens the full size."""
    with box("gallery"):
        for photo in photos:
            source = f"{ctx.store_path}/photos/{photo.photo_id}"
            with ui.link(target=source, new_tab=True).classes("photo"):
                ui.image(source).props("fit=cover no-spinner")
                where = photo.position and ctx.t.code("position", photo.position)
                text(where or ctx.t.code("photo", photo.kind), "photo-name")


def photo_button(
    ctx: PageContext,
    label: str,
    send: Callable[[bytes], Awaitable[PhotoView]],
    taken: Callable[[PhotoView], Awaitable[None]],
    *,
    name: str,
) -> None:
    """Take a picture or choose some; each is sent at once and passed to ``taken``.

    Errors of a picture stand beside the button until the next are chosen.
    """
    wrong: list[str] = []

    def say(*sentences: str) -> None:
        wrong[:] = sentences
        said.set_text(" ".join(wrong))
        said.set_visibility(bool(wrong))

    def forget() -> None:
        say()

    async def keep(event: events.UploadEventArguments) -> None:
        try:
            photo = await send(await event.file.read())
        except ApiError as error:
            say(*wrong, f"{event.file.name}: {error_text(ctx.t, error)}")
        except ServiceUnavailableError as unavailable:
            say(*wrong, unavailable_text(ctx.t, unavailable))
        else:
            await taken(photo)
        made.reset()

    made = ui.upload(
        on_upload=keep,
        on_rejected=lambda: say(*wrong, ctx.t("Pictures are limited to 12 MB.")),
        max_file_size=LARGEST_PICTURE,
        multiple=True,
        auto_upload=True,
    ).props('accept="image/*,.heic,.heif"')
    test_id(name, made.classes("picker"))
    made.on("failed", lambda: say(*wrong, ctx.t("The picture did not arrive; please try again.")))
    pick = ui.button(label, icon="photo_camera", color=None).props("no-caps unelevated")
    pick.classes("button button-plain")
    pick.props["data-picks"] = made.id
    pick.on("click", forget)
    pick.on("click", js_handler=_PICK)
    said = text("", "form-message")
    test_id(f"{name}-say", said).set_visibility(False)
