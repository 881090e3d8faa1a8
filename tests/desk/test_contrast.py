"""Readability of the desk's texts: contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""

import re
from pathlib import Path

import pytest

_CSS = Path("services/desk/static/desk.css").read_text(encoding="utf-8")
_COLORS = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{3,6})", _CSS))
_TONES = ("calm", "busy", "good", "warn", "bad")
_PAIRS = [
    *((tone, f"{tone}-soft") for tone in _TONES),
    ("muted", "page"),
    ("muted", "surface"),
    ("muted", "line"),
    ("ink", "page"),
    ("brand", "brand-soft"),
]
_LEAST = 4.5


def _luminance(color: str) -> float:
    digits = _COLORS[color]
    whole = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    shares = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("text", "ground"), _PAIRS)
def test_text_contrast_is_sufficient(text: str, ground: str) -> None:
    dark, light = sorted((_luminance(text), _luminance(ground)))
    assert (light + 0.05) / (dark + 0.05) >= _LEAST


def test_faint_color_is_not_used_for_text() -> None:
    selectors = re.findall(r"^(.+?) \{[^}]*[; {]color: var\(--faint\)", _CSS, re.MULTILINE)
    assert [each for each in selectors if "icon" not in each] == []
