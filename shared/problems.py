"""Errors over HTTP as problem details (RFC 9457)."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shared.contracts.violations import RuleViolation
from shared.db import TRANSIENT
from shared.master_data import NotDefinedError
from shared.storable import field_name

log = structlog.get_logger()

RETRY_AFTER_S = 2
_STATUS = {"invalid": 422, "conflict": 409, "not_found": 404, "forbidden": 403}


class FieldError(BaseModel):
    """Part of a request that breaks a rule."""

    field: str
    rule: str
    message: str


class ProblemDetails(BaseModel):
    """The response to a rejected request (``application/problem+json``)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []
    values: dict[str, Any] = {}


class Problem(HTTPException):
    """Rejection of a request; ``rule`` is its stable code."""

    def __init__(
        self,
        status: int,
        rule: str,
        detail: str,
        *,
        field: str = "",
        headers: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.status = status
        self.rule = rule
        self.field = field
        self.values = dict(values or {})


def unavailable(what: str) -> Problem:
    """Return 503 with Retry-After: ``what`` is unavailable and nothing has changed."""
    return Problem(
        503,
        "unavailable",
        f"{what} is not available; nothing was changed. Try again shortly.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def not_ready() -> Problem:
    """Return 503 with Retry-After: the service has not read all its master data yet."""
    return Problem(
        503,
        "not_ready",
        "The service is still reading master data; nothing was changed. Try again shortly.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


_MEDIA_TYPE = "application/problem+json"
_REFERENCE = "#/components/schemas/{model}"

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "content": {_MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(model="ProblemDetails")}}},
        "description": text,
    }
    for status, text in {
        400: "The body cannot be read",
        401: "Token missing, expired or forged",
        403: "Role or store not allowed",
        404: "Not found",
        408: "The body does not come in time",
        409: "Conflict with the present state",
        413: "The body is too large",
        415: "The body is compressed",
        422: "A field breaks a rule",
        503: "Temporarily unavailable",
    }.items()
}
"""OpenAPI responses that every operation may give."""


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of ``app`` as problem details."""

    @app.exception_handler(Problem)
    async def on_problem(_: Request, problem: Problem) -> JSONResponse:
        return respond(problem)

    @app.exception_handler(RuleViolation)
    async def on_rule_violation(_: Request, violation: RuleViolation) -> JSONResponse:
        return respond(
            Problem(
                _STATUS[violation.kind],
                violation.rule,
                violation.message,
                field=violation.field,
                values=violation.values,
            )
        )

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        field_errors = [
            FieldError(
                field=_field(item),
                rule=item["type"],
                message=item["msg"],
            )
            for item in error.errors()
        ]
        detail = "; ".join(
            f"{field_error.field}: {field_error.message}" for field_error in field_errors
        )
        return respond(Problem(422, "invalid_request", detail), field_errors)

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        return respond(Problem(error.status_code, "http_error", str(error.detail)))

    @app.exception_handler(NotDefinedError)
    async def on_not_defined(_: Request, error: NotDefinedError) -> JSONResponse:
        return respond(Problem(503, "not_defined", f"{error}.", values={"missing": error.what}))

    async def on_transient(_: Request, error: Exception) -> JSONResponse:
        log.warning("database unavailable", error=repr(error))
        return respond(unavailable("The database"))

    for kind in TRANSIENT:
        app.add_exception_handler(kind, on_transient)

    _describe_problems(app)


def _field(error: Mapping[str, Any]) -> str:
    """Return the path of the wrong field; a body of no known kind lacks its discriminator."""
    kind = error.get("ctx", {}).get("discriminator", "").strip("'")
    return field_name((*error["loc"], kind) if kind else error["loc"])


def _describe_problems(app: FastAPI) -> None:
    """Add the schema that ``RESPONSES`` refers to to the description of ``app``."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        description = describe()
        own = ProblemDetails.model_json_schema(ref_template=_REFERENCE)
        parts = own.pop("$defs")
        description.setdefault("components", {}).setdefault("schemas", {}).update(
            parts, ProblemDetails=own
        )
        return description

    app.openapi = described  # type: ignore[method-assign]


def respond(problem: Problem, field_errors: list[FieldError] | None = None) -> JSONResponse:
    """Return the response with a problem and its field errors."""
    if field_errors is None:
        field_errors = (
            [FieldError(field=problem.field, rule=problem.rule, message=problem.detail)]
            if problem.field
            else []
        )
    details = ProblemDetails(
        type=f"/problems/{problem.rule}",
        title=problem.rule.replace("_", " ").capitalize(),
        status=problem.status,
        detail=problem.detail,
        errors=field_errors,
        values=problem.values,
    )
    return JSONResponse(
        details.model_dump(exclude_none=True),
        problem.status,
        media_type=_MEDIA_TYPE,
        headers=problem.headers,
    )
