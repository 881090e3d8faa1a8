"""Prices of price lists (价目), and which of them come first."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Prices:
    """Prices in cents, tax included: of parts by number, of operations by code whatever their
    standard hours, and of a standard hour by skill.
    """

    parts: Mapping[str, int] = field(default_factory=dict)
    operations: Mapping[str, int] = field(default_factory=dict)
    labor_rates: Mapping[str, int] = field(default_factory=dict)

    def before(self, others: "Prices") -> "Prices":
        """Return these prices, and ``others`` for what they leave out."""
        return Prices(
            parts={**others.parts, **self.parts},
            operations={**others.operations, **self.operations},
            labor_rates={**others.labor_rates, **self.labor_rates},
        )


def store_prices(own: Prices, price_list: Prices, catalog: Prices) -> Prices:
    """Return the prices that hold in a store: its own first, then those of the price list that
    holds there, then the catalog's list prices with the store's labor rates.
    """
    return own.before(price_list.before(catalog))
