"""OpenAPI descriptions from which clients are generated."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from deploy.subscribers.http import router as subscribers
from services.crm.entrypoints.http import router as crm
from services.management.entrypoints.http import router as management
from services.reception.entrypoints.http import router as reception
from services.reporting.entrypoints.http import router as reporting
from services.workshop.entrypoints.http import router as workshop
from shared import dead_letter_routes, health, schemas
from shared.routing import Router

ROUTERS: Mapping[str, Sequence[Router]] = {
    "reception": [reception],
    "workshop": [workshop],
    "crm": [crm],
    "reporting": [reporting],
    "management": [management],
    "subscribers": [subscribers],
    "platform": [dead_letter_routes.router, health.router, schemas.router],
}
"""The routers of each client; those of the platform are part of every service."""

Schema = Mapping[str, Any]

_REFERENCE = "#/components/schemas/"


class UnsupportedError(Exception):
    """A construct of the description that the generator does not support."""


@dataclass(frozen=True)
class Description:
    """The OpenAPI description of one service."""

    service: str
    operations: Sequence["Operation"]
    schemas: Mapping[str, Schema]


@dataclass(frozen=True)
class Operation:
    """One operation with its method and path."""

    method: str
    path: str
    content: Schema

    @property
    def name(self) -> str:
        name: str = self.content["operationId"]
        return name

    @property
    def text(self) -> str:
        text: str = self.content.get("description") or f"{self.content['summary']}."
        return text

    @property
    def roles(self) -> Sequence[str]:
        """The roles that may call the operation; empty where it is open to everybody."""
        roles: Sequence[str] = self.content.get("x-roles", ())
        return roles

    @property
    def area(self) -> str:
        """The area of the work to which the operation belongs."""
        [area] = self.content["tags"]
        return str(area)

    @property
    def body(self) -> tuple[str, Schema] | None:
        """The media type and the schema of the request's body."""
        if "requestBody" not in self.content:
            return None
        return _only(self.content["requestBody"]["content"])

    @property
    def response(self) -> tuple[str, Schema]:
        """The media type and the schema of the successful response."""
        [success] = [
            response for status, response in self.content["responses"].items() if status < "400"
        ]
        return _only(success["content"])

    @property
    def path_parameters(self) -> list[str]:
        """The names of the path's parameters; a description leaves out unused ones."""
        return re.findall(r"\{(\w+)\}", self.path)

    def parameters(self, place: str) -> list[Schema]:
        """Return the parameters in the ``query`` or the ``header``."""
        return [each for each in self.content.get("parameters", ()) if each["in"] == place]


def describe(service: str) -> Description:
    """Describe the operations of ``service``, and the schemas that they name.

    Raises:
        UnsupportedError: two models of the service have one name.
    """
    app = FastAPI(title=service, generate_unique_id_function=lambda route: route.name)
    for router in ROUTERS[service]:
        app.include_router(router)
    described = app.openapi()
    operations = [
        Operation(method.upper(), path, content)
        for path, methods in described["paths"].items()
        for method, content in methods.items()
    ]
    schemas = {
        name: schema
        for name, schema in described["components"]["schemas"].items()
        if name not in ("HTTPValidationError", "ValidationError")
    }
    if ambiguous := [name for name in schemas if "__" in name]:
        raise UnsupportedError(f"models of one name in {service}: {', '.join(ambiguous)}")
    return Description(service, operations, schemas)


def reference(schema: Schema) -> str | None:
    """Return the name of the schema that ``schema`` refers to."""
    target = schema.get("$ref")
    return target.removeprefix(_REFERENCE) if target else None


def as_reference(name: str) -> dict[str, Any]:
    """Return the schema that refers to the one of that name."""
    return {"$ref": _REFERENCE + name}


def references(schema: Any) -> Iterator[str]:
    """Return the names of all schemas that are named anywhere in ``schema``."""
    if isinstance(schema, Mapping):
        if name := reference(schema):
            yield name
        for part in schema.values():
            yield from references(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from references(part)


def paragraphs(text: str) -> Iterable[str]:
    """Return the paragraphs of a description, without its Raises section."""
    return (part for part in re.split(r"\n\s*\n", text.strip()) if not part.startswith("Raises:"))


def _only(content: Mapping[str, Any]) -> tuple[str, Schema]:
    [(media_type, described)] = content.items()
    return media_type, described.get("schema", {})
