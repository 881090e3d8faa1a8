"""Photos of a visit and of the premises, on real Kafka and PostgreSQL (R3, R43)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from PIL import Image

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.ids import new_id
from shared.request_body import LARGEST_PICTURE
from shared.security import Role
from tests.support.harness import in_process
from tests.support.order_factory import ADVISOR, FrontDesk
from tests.support.pictures import flat_png, picture


@pytest.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


async def send(
    desk: FrontDesk,
    path: str,
    content: bytes,
    *,
    key: str = "",
    role: Role = "service_advisor",
    subject: str = ADVISOR,
    **params: str,
) -> httpx.Response:
    return await desk.service.client.post(
        f"/stores/S01{path}",
        params=params,
        content=content,
        headers={
            "Authorization": f"Bearer {desk.service.token(role, subject=subject)}",
            "Idempotency-Key": key or str(new_id()),
        },
    )


def kept_files(servers: Platform) -> dict[str, bytes]:
    folder = Path(servers.environment("reception")["AFTERSALES_FILES"]) / "S01" / "photos"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


async def test_photo_is_stored_encrypted_and_shown(desk: FrontDesk, servers: Platform) -> None:
    order = await desk.arrived("沪D10001")
    path = f"/orders/{order['order_id']}/photos"
    response = await send(desk, path, picture(), kind="walkaround", position="front_left")
    assert response.status_code == 201, response.text
    photo = response.json()
    assert (photo["kind"], photo["position"], photo["taken_by"]) == (
        "walkaround",
        "front_left",
        ADVISOR,
    )
    assert [each["photo_id"] for each in await desk.get(path)] == [photo["photo_id"]]

    shown = await desk.service.get(f"/stores/S01/photos/{photo['photo_id']}", "technician")
    assert shown.headers["content-type"] == "image/jpeg"
    with Image.open(BytesIO(shown.content)) as image:
        assert image.size == (480, 640)
    encrypted = kept_files(servers)[photo["photo_id"]]
    assert not encrypted.startswith(b"\xff\xd8")
    assert len(encrypted) > len(shown.content)


async def test_repeated_upload_creates_one_photo(desk: FrontDesk) -> None:
    order = await desk.arrived("沪D10002")
    path = f"/orders/{order['order_id']}/photos"
    content, key = picture(), "upload-twice"
    first = await send(desk, path, content, key=key, kind="damage")
    again = await send(desk, path, content, key=key, kind="damage")
    assert again.json() == first.json()
    assert len(await desk.get(path)) == 1


async def test_reused_idempotency_key_for_photo_is_rejected(desk: FrontDesk) -> None:
    order = await desk.arrived("沪D10012")
    path = f"/orders/{order['order_id']}/photos"
    content, key = picture(), "one-target-only"
    others: tuple[tuple[str, dict[str, Any]], ...] = (
        (path, {"kind": "walkaround"}),
        (path, {"kind": "damage", "position": "rear_left"}),
        ("/photos", {}),
    )
    assert (await send(desk, path, content, key=key, kind="damage")).status_code == 201
    for other_path, params in others:
        reused = await send(desk, other_path, content, key=key, **params)
        rules = [(each["field"], each["rule"]) for each in reused.json()["errors"]]
        assert (reused.status_code, rules) == (
            422,
            [("Idempotency-Key", "idempotency_key_reused")],
        )
    colleague = await send(desk, path, content, key=key, subject="S01-advisor-2", kind="damage")
    assert colleague.status_code == 201
    assert "Idempotent-Replayed" not in colleague.headers


async def test_invalid_photo_upload_is_rejected(desk: FrontDesk, servers: Platform) -> None:
    order = await desk.arrived("沪D10003")
    path = f"/orders/{order['order_id']}/photos"
    before = set(kept_files(servers))
    executable = await send(desk, path, b"\x7fELF" + bytes(500), kind="damage")
    assert (executable.status_code, executable.json()["errors"][0]["rule"]) == (
        422,
        "not_a_picture",
    )
    tall = await send(desk, path, flat_png(1, 1_000_000), kind="damage")
    assert (tall.status_code, tall.headers["content-type"]) == (422, "application/problem+json")
    fault = tall.json()["errors"][0]
    assert (fault["field"], fault["rule"]) == ("body", "side_too_long")
    large = await send(desk, path, bytes(LARGEST_PICTURE + 1), kind="damage")
    assert (large.status_code, large.json()["errors"][0]["rule"]) == (413, "too_large")
    nowhere = await send(desk, "/orders/no-such/photos", picture(), kind="damage")
    assert nowhere.status_code == 404
    kind = await send(desk, path, picture(), kind="selfie")
    assert (kind.status_code, kind.json()["errors"][0]["field"]) == (422, "kind")
    agent = await send(
        desk, path, picture(), kind="damage", role="customer_care_agent", subject="S01-agent-1"
    )
    assert agent.status_code == 403
    assert set(kept_files(servers)) == before


async def test_photo_with_destroyed_key_is_erased(desk: FrontDesk, servers: Platform) -> None:
    photo = (await send(desk, "/photos", picture())).json()
    assert (
        await desk.service.get(f"/stores/S01/photos/{photo['photo_id']}", "service_advisor")
    ).is_success
    connection = await asyncpg.connect(servers.admin_url)
    try:
        await connection.execute(
            "DELETE FROM reception.subject_key WHERE data_subject_id = $1", photo["photo_id"]
        )
    finally:
        await connection.close()
    erased = await desk.service.get(f"/stores/S01/photos/{photo['photo_id']}", "service_advisor")
    assert (erased.status_code, erased.json()["errors"][0]["rule"]) == (404, "photo_erased")


async def test_orphaned_file_is_removed_after_a_day(
    desk: FrontDesk, servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise ConnectionError("the database went away")

    before = set(kept_files(servers))
    with monkeypatch.context() as broken:
        broken.setattr("services.reception.persistence.add_photo", fails)
        assert (await send(desk, "/photos", picture())).status_code == 503
    orphans = set(kept_files(servers)) - before
    assert len(orphans) == 1
    desk.clock.set(desk.clock.now() + timedelta(days=1, minutes=1))
    await desk.service.wait_until_idle()
    assert set(kept_files(servers)) == before


async def test_photo_of_another_store_is_not_found(desk: FrontDesk) -> None:
    photo = (await send(desk, "/photos", picture())).json()
    token = desk.service.token("service_advisor", stores=["S02"])
    foreign = await desk.service.client.get(
        f"/stores/S02/photos/{photo['photo_id']}", headers={"Authorization": f"Bearer {token}"}
    )
    assert foreign.status_code == 404
