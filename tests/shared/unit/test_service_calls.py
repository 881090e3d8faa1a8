"""Typed calls of services: requests, and the reading of responses and failures."""

from collections.abc import Callable

import httpx
import pytest

from shared.calls import ApiError, Call, ServiceCalls, ServiceUnavailableError, segment
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import CompleteCallTaskRequest, RegisterCustomerResponse
from shared.clients.reception.client import ReceptionApi
from shared.clients.workshop.client import WorkshopApi

Respond = Callable[[httpx.Request], httpx.Response]


def calls(respond: Respond, token: str | None = None) -> ServiceCalls:
    """Return calls that ``respond`` answers."""
    http = httpx.AsyncClient(base_url="http://crm", transport=httpx.MockTransport(respond))
    return ServiceCalls("crm", http, token, {"X-Correlation-Id": "c1"})


def responding(status: int, body: object = None) -> ServiceCalls:
    return calls(lambda _: httpx.Response(status, json=body))


async def test_command_sends_its_body_and_headers() -> None:
    sent: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        completed = {"message_id": "m/1", "reached": True, "completed_by": "a1"}
        return httpx.Response(200, json=completed | {"notified_at": "2026-03-04T01:00:00Z"})

    api = CrmApi(calls(respond, "t1"))
    body = CompleteCallTaskRequest(reached=True)
    completed = await api.complete_call_task("S01", "m/1", body, idempotency_key="attempt-1")
    [request] = sent
    assert completed.reached
    assert request.url.raw_path == b"/stores/S01/call-tasks/m%2F1/complete"
    assert request.content == b'{"reached":true}'
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer t1"
    assert request.headers["Idempotency-Key"] == "attempt-1"
    assert request.headers["X-Correlation-Id"] == "c1"


async def test_query_without_value_is_left_out() -> None:
    sent: list[httpx.URL] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.url)
        return httpx.Response(200, json=[])

    assert await WorkshopApi(calls(respond)).list_jobs("S01", status=["paused", "planned"]) == []
    assert sent == ["http://crm/stores/S01/jobs?status=paused&status=planned"]


async def test_query_in_path_is_kept() -> None:
    sent: list[httpx.URL] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.url)
        return httpx.Response(201)

    await calls(respond).send(Call("POST", "/stores/S01/photos?kind=premises", content=b"x"))
    assert sent == ["http://crm/stores/S01/photos?kind=premises"]


async def test_photo_is_read_as_bytes() -> None:
    api = ReceptionApi(calls(lambda _: httpx.Response(200, content=b"\xff\xd8")))
    assert await api.get_photo("S01", "p1") == b"\xff\xd8"


async def test_problem_details_become_one_error() -> None:
    fault = {"field": "phone", "rule": "invalid_phone", "message": "This is no phone."}
    problem = {"type": "/problems/invalid_phone", "title": "Invalid phone", "status": 422}
    details = problem | {"detail": "No phone.", "errors": [fault], "values": {"digits": 3}}
    with pytest.raises(ApiError) as error:
        await responding(422, details).request(
            RegisterCustomerResponse, "POST", "/stores/S01/customers"
        )
    assert (error.value.status, error.value.rule) == (422, "invalid_phone")
    assert (error.value.detail, error.value.values) == ("No phone.", {"digits": 3})
    assert [vars(each) for each in error.value.field_errors] == [fault]


async def test_rejection_without_details_names_its_status() -> None:
    with pytest.raises(ApiError) as error:
        await responding(404, "not here").request(
            RegisterCustomerResponse, "GET", "/stores/S01/customers"
        )
    assert error.value.rule == "http_404"


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_server_error_means_service_unavailable(status: int) -> None:
    with pytest.raises(ServiceUnavailableError, match="crm"):
        await responding(status).request(RegisterCustomerResponse, "GET", "/stores/S01/customers")


async def test_silent_service_is_unavailable() -> None:
    def respond(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("nothing came")

    with pytest.raises(ServiceUnavailableError):
        await calls(respond).request(RegisterCustomerResponse, "GET", "/stores/S01/customers")


@pytest.mark.parametrize("body", [{"customer_ref": 1}, {}, []])
async def test_response_of_wrong_type_is_unavailable(body: object) -> None:
    with pytest.raises(ServiceUnavailableError):
        await responding(200, body).request(
            RegisterCustomerResponse, "GET", "/stores/S01/customers"
        )


@pytest.mark.parametrize(
    ("value", "written"),
    [("京A12345", "%E4%BA%ACA12345"), ("a/b?c", "a%2Fb%3Fc"), ("..", "%2E%2E"), ("a.b", "a.b")],
)
def test_segment_stays_one_part_of_path(value: str, written: str) -> None:
    assert segment(value) == written
    assert (
        httpx.URL(f"http://crm/stores/{segment(value)}").raw_path.decode() == f"/stores/{written}"
    )
