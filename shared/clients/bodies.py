"""What the generated models have in common."""

from pydantic import BaseModel, ConfigDict


class RequestBody(BaseModel):
    """A request's body, of exactly these fields; values are read as the service reads them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class ResponseBody(BaseModel):
    """A response's body, or a part of one; fields that a later version adds are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)
