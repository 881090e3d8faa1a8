"""What the bodies of all requests have in common."""

from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from shared.formats import Vin, confirmed_vin

Version = Annotated[
    str, BeforeValidator(str), Field(description="names this state to commands that decide on it")
]
"""What a read returns; clients carry it and don't interpret it."""

SeenVersion = Annotated[
    str, Field(min_length=1, max_length=40, description="the version that the person saw")
]


class RequestModel(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class RequestWithVin(RequestModel):
    """``vin_confirmed``: the vehicle says so, although the check digit is wrong."""

    vin_confirmed: bool = False
    vin: Annotated[Vin, Field(description="车架号")]

    @field_validator("vin")
    @classmethod
    def _confirmed(cls, vin: str, info: ValidationInfo) -> str:
        return confirmed_vin(vin, confirmed=info.data.get("vin_confirmed", False))


class VersionedRequest(RequestModel):
    """A command that decides on what a person sees; refused when that has changed since."""

    version: SeenVersion
