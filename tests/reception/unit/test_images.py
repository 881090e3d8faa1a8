"""Pictures are known by their content and keep nothing but the picture (R3)."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.reception.images import cleaned
from shared.contracts.refusal import Refused
from tests.reception.pictures import HEIC, picture


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_upright_without_place_and_camera(form):
    content = picture(form)
    assert b"SECRETCAMERA" in content
    kept = cleaned(content)
    assert b"SECRETCAMERA" not in kept
    with Image.open(BytesIO(kept)) as image:
        assert (image.format, image.size) == ("JPEG", (480, 640))
        assert not image.getexif()
        assert "comment" not in image.info


def test_a_picture_of_the_newer_phones_is_kept_as_a_jpeg():
    with Image.open(BytesIO(cleaned(HEIC))) as image:
        assert (image.format, image.size) == ("JPEG", (64, 48))


def test_a_large_picture_is_made_smaller():
    with Image.open(BytesIO(cleaned(picture(size=(4000, 3000))))) as image:
        assert max(image.size) == 2560


@given(st.binary(max_size=300))
@pytest.mark.parametrize(
    "start", [b"", b"\x7fELF", b"MZ", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"]
)
def test_anything_else_is_refused_whatever_it_begins_with(start, rest):
    with pytest.raises(Refused) as refusal:
        cleaned(start + rest)
    assert refusal.value.rule == "not_a_picture"


def test_half_a_picture_is_refused():
    content = picture(size=(2000, 1500))
    with pytest.raises(Refused):
        cleaned(content[: len(content) // 2])


def test_a_bomb_of_pixels_is_refused_before_it_is_unpacked():
    content = BytesIO()
    Image.new("1", (9000, 9000)).save(content, "PNG")
    with pytest.raises(Refused) as refusal:
        cleaned(content.getvalue())
    assert refusal.value.rule == "too_many_pixels"
