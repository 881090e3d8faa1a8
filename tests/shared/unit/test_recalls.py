"""Recalls name vehicles by brand, model and VIN."""

from datetime import date

from shared.contracts.recalls import Recall

OPENED = date(2026, 3, 1)


def test_recall_matches_brand_model_and_vin() -> None:
    recalls = [
        Recall("all", "Q", (), (), (), OPENED),
        Recall("model", "Q", ("E5",), (), (), OPENED),
        Recall("vin", "Q", (), ("LSV", "LSX"), (), OPENED),
        Recall("other", "R", (), (), (), OPENED),
    ]

    def named(brand: str, model: str, vin: str) -> list[str]:
        return [each.recall_id for each in recalls if each.concerns(brand, model, vin)]

    assert named("Q", "E5", "LSVAA") == ["all", "model", "vin"]
    assert named("Q", "X1", "WVWZZ") == ["all"]
    assert named("", "", "") == []
