"""Pictures as cameras give them, made fit to keep."""

from io import BytesIO

from pi_heif import register_heif_opener
from PIL import Image, ImageOps

from shared.contracts.refusal import Refused

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")

_LARGEST_PIXELS = 50_000_000
_EDGE = 2560
_QUALITY = 85

register_heif_opener()


def cleaned(content: bytes) -> bytes:
    """The picture alone as a JPEG, upright and at most 2,560 pixels wide or high.

    What it is, its content says, not its name; place, time and camera (EXIF) are left behind.

    Raises:
        Refused: not a JPEG, PNG, WebP or HEIC picture that can be read, or too many pixels.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > _LARGEST_PIXELS:
                raise _too_many_pixels(picture.width, picture.height)
            picture.draft("RGB", (_EDGE, _EDGE))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _not_a_picture() from error
    upright.thumbnail((_EDGE, _EDGE))
    upright.info.clear()
    kept = BytesIO()
    upright.save(kept, "JPEG", quality=_QUALITY)
    return kept.getvalue()


def _not_a_picture() -> Refused:
    return Refused(
        "not_a_picture", f"The content is no readable picture ({', '.join(FORMATS)}).", field="body"
    )


def _too_many_pixels(width: int, height: int) -> Refused:
    return Refused(
        "too_many_pixels",
        f"The picture has {width} by {height} pixels; {_LARGEST_PIXELS} are allowed.",
        field="body",
        largest=_LARGEST_PIXELS,
    )
