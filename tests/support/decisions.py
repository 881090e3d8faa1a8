"""Decisions of managers on master data, given to management over HTTP."""

from collections.abc import Iterable
from typing import Any, TypeVar

import httpx

from deploy.embedded.platform import Platform
from deploy.embedded.settings import EmbeddedSettings
from deploy.group_folder import read_group
from services.management.domain.references import CollectionName
from shared.contracts.base import State
from shared.envelope import ReceivedEvent
from shared.ids import new_id
from shared.security import Role
from tests.support.harness import InProcess, published

S = TypeVar("S", bound=State)

TODAY, LATER = "2026-03-04", "2026-03-10"
REASON = "王经理提出：银卡门槛太高"

_PROFILES = {
    (each.collection, each.code): each.content
    for each in read_group(EmbeddedSettings().group_folder)
}


def profile(collection: CollectionName, code: str, **changes: Any) -> dict[str, Any]:
    """Return the content of a record of the demo group, with ``changes``."""
    return _PROFILES[collection, code].model_dump(mode="json") | changes


async def decide(
    management: InProcess,
    path: str,
    role: Role = "group_manager",
    *,
    subject: str = "",
    store: str = "S01",
    key: str = "",
    **body: Any,
) -> httpx.Response:
    """Define, or do what ``path`` ends with, from today on and on the present version."""
    shown = path.removesuffix("/withdraw").removesuffix("/put-back").removesuffix("/end")
    token = management.token(role, stores=[store], subject=subject)
    headers = {"Authorization": f"Bearer {token}"}
    if "version" not in body:
        reader = management.token("service_manager", stores=[store])
        seen = await management.client.get(shown, headers={"Authorization": f"Bearer {reader}"})
        body["version"] = seen.json().get("version", "unseen")
    return await management.client.request(
        "PUT" if path == shown else "POST",
        path,
        json={"valid_from": TODAY, "reason": REASON} | body,
        headers=headers | {"Idempotency-Key": key or str(new_id())},
    )


async def define_stores(management: InProcess, codes: Iterable[str]) -> None:
    """Define stores of the demo group, from the beginning of the year on."""
    for code in codes:
        defined = await decide(
            management,
            f"/group/stores/{code}",
            content=profile("stores", code),
            valid_from="2026-01-01",
        )
        assert defined.is_success, defined.text


async def states(
    servers: Platform, management: InProcess, contract: type[S], record_id: str
) -> list[tuple[ReceivedEvent, S]]:
    """Return the states of a record that were announced, in order."""
    await management.wait_until_idle()
    return [
        (received, received.event)
        for received in await published(servers, [contract.topic])
        if isinstance(received.event, contract) and received.event.record_id == record_id
    ]
