"""Cleaning of camera pictures for storage."""

from functools import partial
from io import BytesIO
from typing import Any

import structlog
from pi_heif import register_heif_opener
from PIL import ExifTags, Image

from shared.contracts.violations import RuleViolation
from shared.worker_processes import ConfinedWorkers, ExhaustedError

log = structlog.get_logger()

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")

_LARGEST_PIXELS = 50_000_000
_LONGEST_SIDE = 16_384
_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"})
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_EDGE = 2560
_QUALITY = 85

_AT_ONCE = 2
_MEMORY_BYTES = 900_000_000
_CPU_S = 15

register_heif_opener()


class Cleaning:
    """Cleaner of two pictures at a time, each in a process with its own memory and time limits."""

    def __init__(self) -> None:
        self._workers = ConfinedWorkers(_AT_ONCE, memory_bytes=_MEMORY_BYTES, cpu_s=_CPU_S)

    async def cleaned(self, content: bytes) -> bytes:
        """Return the picture alone, as :func:`cleaned` makes it.

        Raises:
            RuleViolation: as there, or it took more memory or time than any photo takes, or the
                decoder failed in a way of its own, which is logged.
        """
        try:
            return await self._workers.compute(partial(cleaned, content))
        except ExhaustedError as error:
            raise _too_costly() from error
        except (RuleViolation, OSError):
            raise
        except Exception as error:
            log.warning("picture not decoded", error=repr(error))
            raise _not_a_picture() from error


def cleaned(content: bytes) -> bytes:
    """Return the picture alone as a JPEG, upright and at most 2,560 pixels wide or high.

    Its type is read from its content, not its name; place, time and camera (EXIF) are removed.

    Raises:
        RuleViolation: not a JPEG, PNG, WebP or HEIC picture that can be read; too many pixels in
            all or on one side, or pixels of a kind that no photo has, as its header says.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            _check_header(picture)
            picture.draft("RGB", (_EDGE, _EDGE))
            small = picture.convert("RGB")
            small.thumbnail((_EDGE, _EDGE))
            turn = _turn(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _not_a_picture() from error
    if turn is not None:
        small = small.transpose(turn)
    small.info.clear()
    kept = BytesIO()
    small.save(kept, "JPEG", quality=_QUALITY)
    return kept.getvalue()


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """Return the turn that sets the picture upright.

    It is read from EXIF as far as it is there, in any type of value.
    """
    try:
        told: Any = picture.getexif().get(ExifTags.Base.Orientation)
        return _TURNS.get(int(told[0] if isinstance(told, tuple | bytes) else told))
    except Exception:
        return None


def _check_header(picture: Image.Image) -> None:
    if picture.width * picture.height > _LARGEST_PIXELS:
        raise _too_many_pixels(picture.width, picture.height)
    if max(picture.size) > _LONGEST_SIDE:
        raise _too_long(picture.width, picture.height)
    if picture.mode not in _MODES:
        raise _unusual_pixels(picture.mode)


def _not_a_picture() -> RuleViolation:
    return RuleViolation(
        "not_a_picture", f"The content is no readable picture ({', '.join(FORMATS)}).", field="body"
    )


def _too_many_pixels(width: int, height: int) -> RuleViolation:
    return RuleViolation(
        "too_many_pixels",
        f"The picture has {width} by {height} pixels; {_LARGEST_PIXELS} are allowed.",
        field="body",
        largest=_LARGEST_PIXELS,
    )


def _too_long(width: int, height: int) -> RuleViolation:
    return RuleViolation(
        "side_too_long",
        f"The picture has {width} by {height} pixels; a side may have {_LONGEST_SIDE}.",
        field="body",
        largest=_LONGEST_SIDE,
    )


def _unusual_pixels(mode: str) -> RuleViolation:
    return RuleViolation(
        "unusual_pixels", f"The picture has pixels of the kind {mode}; no photo has.", field="body"
    )


def _too_costly() -> RuleViolation:
    return RuleViolation(
        "picture_too_costly",
        "The picture takes more memory or time to open than a photo does.",
        field="body",
    )
