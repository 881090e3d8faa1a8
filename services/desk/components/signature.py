"""Signature (签字): drawn on the screen, kept as strokes, shown as drawn."""

from nicegui import ui
from nicegui.events import GenericEventArguments

from services.desk.components.elements import test_id

SCRIPT = "signature.js"
"""Script that a page with a :func:`pad` loads."""

Strokes = list[list[tuple[int, int]]]
"""Lines of points, each from 0 to 10,000 of the pad's width and of its height."""

_SIZE = 10_000


def pad(label: str) -> Strokes:
    """Add a surface to sign on; the returned list is filled while the person draws."""
    strokes: Strokes = []

    def take(event: GenericEventArguments) -> None:
        strokes[:] = [[(x, y) for x, y in stroke] for stroke in event.args["detail"]]

    surface = ui.element("canvas").classes("signature-pad")
    surface.props["aria-label"] = label
    test_id("signature-pad", surface).on("strokes", take, args=["detail"])
    return strokes


def drawn(strokes: Strokes) -> None:
    """Show a signature as it was drawn."""
    with ui.element("svg").classes("signature-drawing") as renderer:
        renderer.props["viewBox"] = f"0 0 {_SIZE} {_SIZE}"
        renderer.props["preserveAspectRatio"] = "none"
        for stroke in strokes:
            line = ui.element("polyline")
            line.props["points"] = " ".join(f"{x},{y}" for x, y in stroke)
