"""Bad input gets a clear error that names field and rule, and changes nothing (R1–R8, R40)."""

import json
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
import pytest_asyncio

from shared.ids import new_id
from shared.issuer import DevelopmentIssuer
from tests.support.api import ADVISOR, SERVICES, STEPS, Api, customer, vin
from tests.support.flood import flood


def assert_problem(
    response: httpx.Response, status: int, rule: str, field: str | None = None
) -> None:
    body = response.json()
    assert (response.status_code, response.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), response.text
    assert body["status"] == status
    found = {(fault["field"], fault["rule"]) for fault in body["errors"]}
    if field is None:
        assert body["type"] == f"/problems/{rule}"
    else:
        assert (field, rule) in found, body


async def test_unknown_and_foreign_stores_are_rejected(api: Api) -> None:
    body = {"plate": "沪A00001"}
    unknown = await api.post("reception", "/arrivals", ADVISOR, body, store="S99")
    foreign = await api.post("reception", "/arrivals", ADVISOR, body, store="S02")
    assert_problem(unknown, 404, "unknown_store", "store_id")
    assert_problem(foreign, 403, "store_not_allowed", "store_id")


async def test_expired_forged_and_missing_tokens_are_rejected(api: Api, tmp_path: Path) -> None:
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256", {"kid": "other"})
    (tmp_path / "key.json").write_text(__import__("json").dumps(key.as_dict(private=True)))
    forger = DevelopmentIssuer(
        tmp_path / "key.json", "https://issuer.aftersales.local", "aftersales"
    )
    forged = forger.token(ADVISOR, roles=["service_advisor"], stores=["S01"])
    expired = api.token(ADVISOR, lifetime_s=-3600)
    for token in (forged, expired, "not-a-token", api.token(ADVISOR)[:-4] + "AAAA"):
        response = await api.post(
            "reception", "/arrivals", ADVISOR, {"plate": "沪A00001"}, token=token
        )
        assert_problem(response, 401, "token_rejected")
    bare = await api.client.get(f"{api.platform.url('reception')}/stores/S01/arrivals")
    assert_problem(bare, 401, "token_missing")


async def test_role_without_permission_is_rejected(api: Api) -> None:
    response = await api.post("reception", "/arrivals", "S01-technician-1", {"plate": "沪A00001"})
    assert_problem(response, 403, "role_required")


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({}, "plate", "missing"),
        ({"plate": "ABC"}, "plate", "value_error"),
        ({"plate": "沪A00001", "color": "red"}, "color", "extra_forbidden"),
        ({"plate": 7}, "plate", "string_type"),
    ],
)
async def test_invalid_arrival_is_rejected(api: Api, body: Any, field: str, rule: str) -> None:
    assert_problem(await api.post("reception", "/arrivals", ADVISOR, body), 422, rule, field)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (vin(1)[:8] + "Z" + vin(1)[9:], "vin_check_digit"),
        ("1" * 17, "vin_placeholder"),
        ("123", "value_error"),
        (vin(1).replace("L", "I", 1), "value_error"),
    ],
)
async def test_invalid_vin_is_rejected(api: Api, wrong: str, rule: str) -> None:
    response = await api.post(
        "crm", "/customers", ADVISOR, customer(1, "沪A00001") | {"vin": wrong}
    )
    assert_problem(response, 422, rule, "vin")


async def test_command_without_idempotency_key_is_rejected(api: Api) -> None:
    response = await api.client.post(
        f"{api.platform.url('reception')}/stores/S01/arrivals",
        json={"plate": "沪A00001"},
        headers={"Authorization": f"Bearer {api.token(ADVISOR)}"},
    )
    assert_problem(response, 422, "missing", "Idempotency-Key")


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"odometer_km": -1}, "odometer_km", "greater_than_equal"),
        ({"odometer_km": 10_000_000}, "odometer_km", "less_than_equal"),
        ({"op_codes": [], "parts": []}, "op_codes", "nothing_to_do"),
        ({"op_codes": ["MNT-001", "MNT-001"]}, "op_codes", "named_twice"),
        ({"packages": ["NO-SUCH"]}, "packages", "unknown_code"),
        ({"pay_types": {"MNT-002": "warranty"}}, "pay_types", "pay_type_without_line"),
        ({"op_codes": ["NO-SUCH"]}, "op_codes", "unknown_code"),
        ({"parts": [{"part_number": "NO-SUCH", "quantity": 1}]}, "parts", "unknown_code"),
        (
            {"parts": [{"part_number": "OIL-5W30", "quantity": -1}]},
            "parts.0.quantity",
            "greater_than_equal",
        ),
        ({"symptoms": ["NO-SUCH"]}, "symptoms", "unknown_code"),
        ({"customer_concern": ""}, "customer_concern", "string_too_short"),
        ({"confidence": 1.5}, "confidence", "less_than_equal"),
        ({"hours": -2}, "hours", "extra_forbidden"),
        (
            {
                "customer_ref": None,
                "vehicle_ref": None,
                "customer": customer(2, "沪A00002") | {"phone": "12345678"},
            },
            "customer.phone",
            "value_error",
        ),
    ],
)
async def test_invalid_order_opening_is_rejected(
    api: Api, change: dict[str, Any], field: str, rule: str
) -> None:
    body = await api.write_up(2, "沪A00002", **change)
    response = await api.post("reception", f"/orders/{new_id()}/open", ADVISOR, body)
    assert_problem(response, 422, rule, field)


async def test_repeated_idempotency_key_has_one_effect(api: Api) -> None:
    key, caller = str(new_id()), "visiting-advisor-1"
    first = await api.post("reception", "/arrivals", caller, {"plate": "沪A10001"}, key=key)
    again = await api.post("reception", "/arrivals", caller, {"plate": "沪A10001"}, key=key)
    other = await api.post("reception", "/arrivals", caller, {"plate": "沪A10002"}, key=key)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert_problem(other, 422, "idempotency_key_reused", "Idempotency-Key")
    elsewhere = await api.post(
        "reception",
        "/arrivals",
        caller,
        {"plate": "沪A10001"},
        key=key,
        token=api.token(caller, ("S01", "S02")),
        store="S02",
    )
    assert_problem(elsewhere, 422, "idempotency_key_reused", "Idempotency-Key")
    board = await api.get("reception", "/arrivals", ADVISOR)
    plates = [row["plate_ref"] for row in board]
    assert plates.count(first.json()["plate_ref"]) == 1


async def test_command_out_of_order_is_rejected(api: Api) -> None:
    order_id = await api.greeted("沪A10003")
    path = f"/orders/{order_id}"
    twice = await api.post("reception", f"{path}/greet", ADVISOR)
    assert_problem(twice, 409, "invalid_status", "order_id")
    body = await api.write_up(3, "沪A10003")
    await api.done("reception", f"{path}/open", ADVISOR, body)

    early = await api.post("reception", f"{path}/delivery", ADVISOR)
    assert_problem(early, 409, "invalid_status", "order_id")
    await api.worked(order_id)
    for step in STEPS[1:]:
        await api.done("reception", f"{path}/delivery-steps", ADVISOR, {"step": step})
    incomplete = await api.post("reception", f"{path}/delivery", ADVISOR)
    assert_problem(incomplete, 409, "delivery_steps_missing", "steps")
    assert incomplete.json()["values"] == {"missing": [STEPS[0], "customer_signed"]}
    await api.done("reception", f"{path}/delivery-steps", ADVISOR, {"step": STEPS[0]})
    untouched = await api.post(
        "reception", f"{path}/delivery-steps", ADVISOR, {"step": "customer_signed"}
    )
    assert_problem(untouched, 422, "signature_needed", "step")
    await api.done("reception", f"{path}/signature", ADVISOR, {"strokes": [[[0, 0], [9, 9]]]})
    not_invoiced = await api.post("reception", f"{path}/delivery", ADVISOR)
    assert_problem(not_invoiced, 409, "not_invoiced", "order_id")
    not_invoiced = await api.post(
        "reception", f"{path}/payments", ADVISOR, {"method": "cash", "amount_cents": 1}
    )
    assert_problem(not_invoiced, 409, "not_invoiced", "order_id")
    total = (await api.done("reception", f"{path}/invoice", ADVISOR))["invoiced_cents"]
    unpaid = await api.post("reception", f"{path}/delivery", ADVISOR)
    assert_problem(unpaid, 409, "unpaid", "order_id")
    for amount, rule in ((-5, "greater_than"), (total + 1, "payment_above_balance")):
        payment = {"method": "cash", "amount_cents": amount}
        response = await api.post("reception", f"{path}/payments", ADVISOR, payment)
        assert_problem(response, 422, rule, "amount_cents")
    payment = {"method": "cash", "amount_cents": total}
    await api.done("reception", f"{path}/payments", ADVISOR, payment)
    delivered = await api.done("reception", f"{path}/delivery", ADVISOR)
    assert (delivered["status"], delivered["balance_cents"]) == ("closed", 0)

    second = await api.greeted("沪A10003")
    backwards = body | {"odometer_km": body["odometer_km"] - 1}
    response = await api.post("reception", f"/orders/{second}/open", ADVISOR, backwards)
    assert_problem(response, 422, "odometer_backwards", "odometer_km")


async def test_job_of_another_technician_cannot_be_started(api: Api) -> None:
    order_id = await api.opened(4, "沪A10004")
    await api.wait_until_idle()
    (job,) = await api.get("workshop", f"/jobs?order_id={order_id}", ADVISOR)
    mine = job["technician_ids"][0]
    other = "S01-technician-1" if mine != "S01-technician-1" else "S01-technician-2"
    path = f"/jobs/{job['job_id']}/start"
    assert_problem(await api.post("workshop", path, other), 403, "not_your_job", "job_id")
    await api.done("workshop", path, mine)
    assert_problem(await api.post("workshop", path, mine), 409, "wrong_status", "job_id")


@pytest_asyncio.fixture(scope="module")
async def elsewhere(api: Api) -> dict[str, Any]:
    """Return references of another store, by field."""
    token = api.token("S02-manager-1", ("S02",))

    async def done(service: str, path: str, body: Any = None) -> dict[str, Any]:
        content: dict[str, Any] = await api.done(
            service, path, "S02-manager-1", body, token=token, store="S02"
        )
        return content

    known = await done("crm", "/customers", customer(31, "沪A10031"))
    order = await done("reception", "/arrivals", {"plate": "沪A10031"})
    voucher = await done("reception", "/vouchers", {"kind": "voucher", "value_cents": 100})
    booking = {"appointment_at": "2026-03-05T02:00:00Z", "op_codes": ["MNT-001"]}
    booked = await done("reception", "/appointments", booking | {"plate": "沪A10032"})
    return {
        "customer_ref": known["customer_ref"],
        "vehicle_ref": known["vehicle_ref"],
        "order_id": order["order_id"],
        "to_order_id": order["order_id"],
        "vouchers": [voucher["voucher_id"]],
        "voucher_id": voucher["voucher_id"],
        "appointment_id": booked["appointment_id"],
        "advisor_id": "S02-advisor-1",
        "technician_id": "S02-technician-1",
    }


BOOKING = {"plate": "沪A10033", "appointment_at": "2026-03-05T06:00:00Z", "op_codes": ["MNT-001"]}
READY = {"message_type": "ready", "values": {"ready_at": "2026-03-04T06:00:00Z"}}
FOREIGN = [
    ("reception", "/appointments", "customer_ref", BOOKING),
    ("reception", "/vouchers", "customer_ref", {"kind": "voucher", "value_cents": 100}),
    ("reception", "/orders/{own}/open", "customer_ref", {}),
    ("reception", "/orders/{own}/open", "vehicle_ref", {}),
    ("reception", "/orders/{own}/advisor", "advisor_id", {}),
    ("reception", "/arrivals", "appointment_id", {"plate": "沪A10034"}),
    ("reception", "/quotes", "order_id", {"op_codes": ["MNT-006"]}),
    ("reception", "/orders/{own}/deposit-carry-over", "to_order_id", {"amount_cents": 1}),
    ("crm", "/messages", "customer_ref", READY),
    ("crm", "/messages", "order_id", READY),
    ("reception", "/orders/{order_id}/greet", "order_id", None),
    ("reception", "/orders/{order_id}/cancellation", "order_id", {"reason": "too_expensive"}),
]


@pytest.mark.parametrize(("service", "path", "field", "body"), FOREIGN)
async def test_reference_of_another_store_is_rejected(
    api: Api,
    elsewhere: dict[str, Any],
    own: dict[str, Any],
    service: str,
    path: str,
    field: str,
    body: Any,
) -> None:
    address = path.format(own=own["order_id"], **elsewhere)
    if path.endswith("/open"):
        body = own["write_up"]
    elif path == "/messages":
        body = body | {"customer_ref": own["write_up"]["customer_ref"]}
    if body is not None and f"{{{field}}}" not in path:
        body = body | {field: elsewhere[field]}
    response = await api.post(service, address, "S01-manager-1", body)
    assert (response.status_code, fields_of(response)) == (response.status_code, {field})
    assert response.status_code in {404, 409, 422}


def fields_of(response: httpx.Response) -> set[str]:
    return {fault["field"] for fault in response.json()["errors"]}


@pytest_asyncio.fixture(scope="module")
async def own(api: Api) -> dict[str, Any]:
    """Return an order of the store that is ready to be opened."""
    return {
        "order_id": await api.greeted("沪A10035"),
        "write_up": await api.write_up(35, "沪A10035"),
    }


def memory_of(api: Api, process: str) -> int:
    return psutil.Process(api.platform.process(process).pid).memory_info().rss


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("chunked", [False, True])
async def test_flood_without_token_is_not_read(api: Api, service: str, chunked: bool) -> None:
    url, before = api.platform.url(service), memory_of(api, service)
    headers = ["Content-Type: application/json"]
    headers += [] if chunked else ["Content-Length: 100000000"]
    for path in ("/dead-letters/1/decisions",):
        flooded = await flood(url, path, *headers, chunked=chunked)
        assert flooded.sent < 50_000_000
        assert (flooded.status, flooded.problem["status"]) == (401, 401)
    assert memory_of(api, service) - before < 15_000_000


@pytest.mark.parametrize(
    ("path", "chunked", "announced"),
    [
        ("/stores/S01/arrivals", False, 100_000_000),
        ("/stores/S01/arrivals", True, None),
        ("/stores/S01/photos", True, None),
        ("/stores/S01/arrivals", False, 10),
        ("/stores/S01/arrivals", True, 10),
        ("/authorizations/S01.no-such-link", True, None),
    ],
)
async def test_flood_of_signed_in_user_ends_at_limit(
    api: Api, path: str, chunked: bool, announced: int | None
) -> None:
    before = memory_of(api, "reception")
    headers = [f"Authorization: Bearer {api.token(ADVISOR)}", "Idempotency-Key: flooding-1"]
    headers += [f"Content-Length: {announced}"] if announced else []
    flooded = await flood(
        api.platform.url("reception"),
        path,
        "Content-Type: application/json",
        *headers,
        chunked=chunked,
    )
    assert flooded.sent < 50_000_000
    assert flooded.status in ((400, 422) if announced == 10 else (413,))
    assert memory_of(api, "reception") - before < 40_000_000


async def test_rejected_body_gets_response(api: Api) -> None:
    url = f"{api.platform.url('reception')}/stores/S01/arrivals"
    nobody = await api.client.post(url, content=bytes(300_000))
    assert_problem(nobody, 401, "token_missing")
    large = await api.post("reception", "/arrivals", ADVISOR, {"plate": "A" * 256_000})
    assert_problem(large, 413, "too_large", "body")


@pytest.mark.parametrize(
    ("path", "chunked", "status"),
    [
        ("/sign-in/person", False, 413),
        ("/sign-in/person", True, 413),
        ("/sign-out", False, 413),
        ("/authorize/S01.no-such-link", False, 413),
        ("/_nicegui_ws/socket.io/?EIO=4&transport=polling", False, 413),
        ("/_nicegui/client/none/upload/3", False, 401),
        ("/_nicegui/client/none/upload/3", True, 401),
    ],
)
async def test_flood_of_desk_ends_at_limit(api: Api, path: str, chunked: bool, status: int) -> None:
    before = memory_of(api, "desk")
    announced = [] if chunked else ["Content-Length: 100000000"]
    form = "Content-Type: application/x-www-form-urlencoded"
    flooded = await flood(api.platform.url("desk"), path, form, *announced, chunked=chunked)
    assert flooded.sent < 50_000_000
    assert (flooded.status, flooded.problem["status"]) == (status, status)
    assert memory_of(api, "desk") - before < 15_000_000


async def test_bad_input_leaves_no_dead_letters(api: Api) -> None:
    await api.wait_until_idle()
    headers = {"Authorization": f"Bearer {api.token('platform-operator-1')}"}
    for service in ("reception", "workshop", "crm", "reporting"):
        url = f"{api.platform.url(service)}/status"
        status = (await api.client.get(url, headers=headers)).json()
        assert (status["dead_letters"], status["parked_keys"]) == (0, 0), status


async def test_origin_headers_are_checked_before_use(api: Api) -> None:
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def arrive(plate: str = "沪A10003", *, headers: dict[str, bytes]) -> httpx.Response:
        return await api.client.post(
            f"{api.platform.url('reception')}/stores/S01/arrivals",
            json={"plate": plate},
            headers={
                b"Authorization": f"Bearer {api.token(ADVISOR)}".encode(),
                b"Idempotency-Key": str(new_id()).encode(),
            }
            | {name.encode(): value for name, value in headers.items()},
        )

    for wrong in (b"with space", b"x" * 121, "沪".encode(), b"\xed\xa0\x80", b"x" * 20_000):
        for name in ("X-Correlation-Id", "Idempotency-Key"):
            refused = await arrive(headers={name: wrong})
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["field"] == name
    sent_traces = [trace, b"00-aa-bb-01", b"\xff" * 55, b"x" * 20_000]
    for number, sent in enumerate(sent_traces):
        correlation = str(new_id())
        origin = {"X-Correlation-Id": correlation.encode(), "traceparent": sent}
        response = await arrive(f"沪A1001{number}", headers=origin)
        assert response.status_code == 201, response.text
        [headers] = await published(api, correlation)
        assert headers.get("traceparent") == (trace.decode() if sent == trace else None)


async def published(api: Api, correlation: str) -> list[dict[str, str]]:
    """Return headers of the events that belong to one request."""
    connection = await asyncpg.connect(api.platform.admin_url)
    try:
        rows = await connection.fetch(
            "SELECT headers FROM reception.outbox WHERE headers ->> 'ce_correlationid' = $1",
            correlation,
        )
    finally:
        await connection.close()
    return [json.loads(row["headers"]) for row in rows]
