"""Tokens as the realm of the deployment by compose gives them to its clients."""

import json
from pathlib import Path
from typing import Any

REALM = Path(__file__).parents[2] / "deploy/compose/keycloak/aftersales-realm.json"


def realm_claims(client: str) -> dict[str, Any]:
    """Return the claims that the realm gives to a program."""
    realm = json.loads(REALM.read_text())
    [found] = [each for each in realm["clients"] if each["clientId"] == client]
    mapped = [each["config"] for each in found["protocolMappers"]]
    return {
        each["claim.name"]: json.loads(each["claim.value"])
        if each["jsonType.label"] == "JSON"
        else each["claim.value"]
        for each in mapped
        if "claim.value" in each
    }
