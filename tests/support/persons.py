"""Test persons to register."""

from shared.formats import vin_check_digit


def vin(number: int) -> str:
    """Return a VIN of the right format with its check digit."""
    draft = f"LSVAA1230N{number:07d}"
    return draft[:8] + vin_check_digit(draft) + draft[9:]


def person(number: int, **changes: str) -> dict[str, str]:
    """Return details of a person and a vehicle, different for each number."""
    return {
        "name": f"王小明{number}",
        "phone": f"+861390000{number:04d}",
        "plate": f"沪A{number:05d}",
        "vin": vin(number),
        "brand": "启岳",
        "model": "Q5",
    } | changes
