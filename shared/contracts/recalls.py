"""Recall or service campaign as it is open on a day (召回, 服务活动)."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Recall:
    """Work that a manufacturer wants done on the vehicles it names by brand, model or VIN, as
    decided for the days from ``opened_on``.
    """

    recall_id: str
    brand: str
    models: tuple[str, ...]
    vin_prefixes: tuple[str, ...]
    op_codes: tuple[str, ...]
    opened_on: date

    def concerns(self, brand: str, model: str, vin: str) -> bool:
        """Say whether it names the vehicle; an empty list of models or VINs names all."""
        return (
            self.brand == brand
            and (not self.models or model in self.models)
            and (not self.vin_prefixes or vin.startswith(self.vin_prefixes))
        )
