"""Photos (照片): taken with the camera or chosen, kept by reception, shown as small pictures."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from nicegui import events, ui

from services.desk.client import AwayError, RefusalError, new_attempt
from services.desk.components.elements import box, mark, text
from services.desk.components.problems import away_text, refusal_text
from services.desk.visit import Visit
from shared.receiving import LARGEST_PICTURE

_PICK = '(event) => runMethod(event.currentTarget.dataset.picks, "pickFiles", [])'

Photo = Mapping[str, Any]


def gallery(visit: Visit, photos: Sequence[Photo]) -> None:
    """Small pictures with what they show; a click opens the whole one."""
    with box("gallery"):
        for photo in photos:
            source = f"{visit.store_path}/photos/{photo['photo_id']}"
            with ui.link(target=source, new_tab=True).classes("photo"):
                ui.image(source).props("fit=cover no-spinner")
                where = photo["position"] and visit.t.code("position", photo["position"])
                text(where or visit.t.code("photo", photo["kind"]), "photo-name")


def photo_button(
    visit: Visit,
    label: str,
    path: Callable[[], str],
    taken: Callable[[Photo], Awaitable[None]],
    *,
    name: str,
) -> None:
    """Take a picture or choose some; each goes to ``path`` at once and is handed to ``taken``.

    What is wrong with a picture stands beside the button until the next are chosen.
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
            photo = await visit.services.send_file(
                "reception",
                visit.store_path + path(),
                await event.file.read(),
                attempt=new_attempt(),
            )
        except RefusalError as refusal:
            say(*wrong, f"{event.file.name}: {refusal_text(visit.t, refusal)}")
        except AwayError as away:
            say(*wrong, away_text(visit.t, away))
        else:
            await taken(photo)
        made.reset()

    made = ui.upload(
        on_upload=keep,
        on_rejected=lambda: say(*wrong, visit.t("A picture may have 12 MB.")),
        max_file_size=LARGEST_PICTURE,
        multiple=True,
        auto_upload=True,
    ).props('accept="image/*,.heic,.heif"')
    mark(name, made.classes("picker"))
    made.on("failed", lambda: say(*wrong, visit.t("The picture did not arrive; please try again.")))
    pick = ui.button(label, icon="photo_camera", color=None).props("no-caps unelevated")
    pick.classes("button button-plain")
    pick.props["data-picks"] = made.id
    pick.on("click", forget)
    pick.on("click", js_handler=_PICK)
    said = text("", "form-message")
    mark(f"{name}-say", said).set_visibility(False)


def of_order(order_id: str, kind: str, position: str | None = None) -> str:
    """Where pictures of an order go."""
    query = {"kind": kind} | ({"position": position} if position else {})
    return f"/orders/{order_id}/photos?{urlencode(query)}"
