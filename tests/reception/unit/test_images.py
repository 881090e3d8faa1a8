"""Pictures: identified by their content, stored without metadata (R3)."""

import asyncio
import os
import pickle
import signal
import struct
import zlib
from io import BytesIO

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from psutil import Process
from structlog.testing import capture_logs

from services.reception.clients.images import Cleaning, cleaned
from shared.contracts.violations import RuleViolation
from tests.support.pictures import HEIC, flat_png, picture


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_picture_is_upright_without_metadata(form: str) -> None:
    content = picture(form)
    assert b"SECRETCAMERA" in content
    kept = cleaned(content)
    assert b"SECRETCAMERA" not in kept
    with Image.open(BytesIO(kept)) as image:
        assert (image.format, image.size) == ("JPEG", (480, 640))
        assert not image.getexif()
        assert "comment" not in image.info


def test_heic_picture_is_converted_to_jpeg() -> None:
    with Image.open(BytesIO(cleaned(HEIC))) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))


ORIENTED = 0x0112, 3, 1, struct.pack("<I", 6)


def tagged(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Return a JPEG of 40 by 30 pixels whose EXIF has these tags: number, type, count and four
    bytes.
    """
    tags = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + tags + bytes(4)
    content = BytesIO()
    Image.new("RGB", (40, 30), "red").save(content, "JPEG", exif=exif)
    return content.getvalue()


@pytest.mark.parametrize("tag", [0x0100, 0x0101, 0x011A, 0x011B, 0x0128, 0x8769, 0x8825, 0xA005])
def test_unusual_camera_tag_is_ignored(tag: int) -> None:
    kept = cleaned(tagged(ORIENTED, (tag, 2, 3, b"72\0\0")))
    with Image.open(BytesIO(kept)) as image:
        assert image.size == (30, 40)


@given(
    st.lists(
        st.tuples(
            st.sampled_from((0x0100, 0x0103, 0x0111, 0x0112, 0x011A, 0x0128, 0x8769, 0x8825)),
            st.integers(0, 14),
            st.sampled_from((0, 1, 2, 3, 9, 70_000, 2**32 - 1)),
            st.binary(min_size=4, max_size=4),
        ),
        max_size=4,
    )
)
def test_any_camera_tag_leaves_picture_readable(entries: list[tuple[int, int, int, bytes]]) -> None:
    with Image.open(BytesIO(cleaned(tagged(*entries)))) as image:
        assert sorted(image.size) == [30, 40]


def test_large_picture_is_resized() -> None:
    with Image.open(BytesIO(cleaned(picture(size=(4000, 3000))))) as image:
        assert max(image.size) == 2560


@given(st.binary(max_size=300))
@pytest.mark.parametrize(
    "start", [b"", b"\x7fELF", b"MZ", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"]
)
def test_file_that_is_no_picture_is_rejected(start: bytes, rest: bytes) -> None:
    with pytest.raises(RuleViolation) as violation:
        cleaned(start + rest)
    assert violation.value.rule == "not_a_picture"


def test_truncated_picture_is_rejected() -> None:
    content = picture(size=(2000, 1500))
    with pytest.raises(RuleViolation):
        cleaned(content[: len(content) // 2])


def test_decompression_bomb_is_rejected_before_decoding() -> None:
    content = BytesIO()
    Image.new("1", (9000, 9000)).save(content, "PNG")
    with pytest.raises(RuleViolation) as violation:
        cleaned(content.getvalue())
    assert violation.value.rule == "too_many_pixels"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (flat_png(1, 1_000_000), "side_too_long"),
        (flat_png(20_000, 2), "side_too_long"),
        (flat_png(300, 200, depth=16), "unusual_pixels"),
    ],
)
def test_implausible_picture_header_is_rejected_before_decoding(
    content: bytes, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    with pytest.raises(RuleViolation) as violation:
        cleaned(content)
    assert (violation.value.rule, violation.value.field) == (rule, "body")


def test_picture_with_sixteen_bit_colors_is_accepted() -> None:
    with Image.open(BytesIO(cleaned(flat_png(300, 200, depth=16, kind=6, channels=4)))) as image:
        assert (image.mode, image.size) == ("RGB", (300, 200))


def test_picture_with_oversized_text_is_rejected() -> None:
    text = b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = (
        struct.pack(">I", len(text))
        + b"zTXt"
        + text
        + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    )
    content = picture("PNG")
    with pytest.raises(RuleViolation):
        cleaned(content[:33] + chunk + content[33:])


def test_rule_violation_survives_pickling() -> None:
    violation = pickle.loads(pickle.dumps(RuleViolation("rule", "Said.", field="body", largest=3)))
    assert (violation.rule, violation.message, violation.field) == ("rule", "Said.", "body")
    assert violation.values == {"largest": 3}


def workers() -> set[Process]:
    return {each for each in psutil.Process().children() if "spawn_main" in str(each.cmdline())}


async def test_pictures_are_cleaned_by_two_worker_processes() -> None:
    cleaning, photo, others = Cleaning(), picture(size=(1600, 1200)), workers()
    kept = await asyncio.gather(*[cleaning.cleaned(photo) for _ in range(5)])
    assert kept == [cleaned(photo)] * 5
    own = workers() - others
    assert len(own) == 2
    with pytest.raises(RuleViolation) as violation:
        await cleaning.cleaned(b"no picture")
    assert violation.value.rule == "not_a_picture"


async def test_picture_that_kills_its_worker_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaning = Cleaning()
    monkeypatch.setattr("services.reception.clients.images.cleaned", ends_its_process)
    with pytest.raises(RuleViolation) as violation:
        await cleaning.cleaned(picture())
    assert (violation.value.rule, violation.value.field) == ("picture_too_costly", "body")
    monkeypatch.undo()
    assert await cleaning.cleaned(picture()) == cleaned(picture())


async def test_picture_with_unexpected_decoding_error_is_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.reception.clients.images.cleaned", fails)
    with capture_logs() as logged, pytest.raises(RuleViolation) as violation:
        await Cleaning().cleaned(picture())
    assert (violation.value.rule, violation.value.field) == ("not_a_picture", "body")
    assert [line["event"] for line in logged] == ["picture not decoded"]


def fails(content: bytes) -> None:
    raise struct.error(len(content))


def ends_its_process(content: bytes) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
