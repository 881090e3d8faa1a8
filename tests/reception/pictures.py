"""Pictures as phones send them."""

import base64
from io import BytesIO

from PIL import Image

GPS_TAG, PLACE = 0x8825, {1: "N", 2: (31.0, 6.0, 41.0), 3: "E", 4: (121.0, 22.0, 11.0)}
ORIENTATION_TAG, TURNED = 0x0112, 6

HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAA"
    "AAAAAAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAABoAAAAjaWluZgAAAAAAAQAAABVp"
    "bmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAA"
    "AAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAA"
    "AwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlz"
    "cGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkA"
    "AAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAACJtZGF0AAAAFigBrxmA70mlv//fX9/0B6/3StaY"
    "+bg="
)
"""A picture of 64 by 48 pixels in a format that newer phones use."""


def picture(form: str = "JPEG", size: tuple[int, int] = (640, 480)) -> bytes:
    """A picture with place, camera and orientation in its EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAMERA"
    exif[ORIENTATION_TAG] = TURNED
    exif[GPS_TAG] = PLACE
    content = BytesIO()
    Image.new("RGB", size, (180, 40, 40)).save(content, form, exif=exif)
    return content.getvalue()
