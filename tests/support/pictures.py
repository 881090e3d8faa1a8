"""Test pictures as phones send them."""

import base64
import struct
import zlib
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
"""Picture of 64 by 48 pixels in a format that newer phones use."""


def picture(form: str = "JPEG", size: tuple[int, int] = (640, 480)) -> bytes:
    """Return a picture with place, camera and orientation in its EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAMERA"
    exif[ORIENTATION_TAG] = TURNED
    exif[GPS_TAG] = PLACE
    content = BytesIO()
    Image.new("RGB", size, (180, 40, 40)).save(content, form, exif=exif)
    return content.getvalue()


def flat_png(width: int, height: int, depth: int = 8, kind: int = 0, channels: int = 1) -> bytes:
    """Return a black PNG of a few kilobytes, whatever its size; ``depth`` is in bits, ``kind``
    PNG's own number for gray (0), RGB (2) or RGBA (6).
    """
    packer = zlib.compressobj(9)
    row = bytes(1 + width * channels * depth // 8)
    rows = b"".join([packer.compress(row) for _ in range(height)]) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
