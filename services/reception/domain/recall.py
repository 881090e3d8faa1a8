"""Open recalls and service campaigns (召回, 服务活动)."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Recall:
    """Work that a manufacturer wants done on the vehicles it names by brand, model or VIN."""

    recall_id: str
    brand: str
    models: tuple[str, ...]
    vin_prefixes: tuple[str, ...]
    op_codes: tuple[str, ...]


def concerning(recalls: Iterable[Recall], brand: str, model: str, vin: str) -> list[str]:
    """Return the recalls that name the vehicle; an empty list of models or VINs names all."""
    return [
        recall.recall_id
        for recall in recalls
        if recall.brand == brand
        and (not recall.models or model in recall.models)
        and (not recall.vin_prefixes or vin.startswith(recall.vin_prefixes))
    ]
