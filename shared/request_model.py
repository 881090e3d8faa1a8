"""Shared parts of request bodies."""

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
"""Version that a read returns; clients send it back and do not interpret it."""

SeenVersion = Annotated[
    str, Field(min_length=1, max_length=40, description="the version that the person saw")
]


Reason = Annotated[str, Field(min_length=2, max_length=500, description="原因")]
"""Why a person decides something, in their own words."""


class RequestModel(BaseModel):
    """Request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class RequestWithVin(RequestModel):
    """Request with a VIN.

    ``vin_confirmed``: the vehicle carries this VIN, although the check digit is wrong.
    """

    vin_confirmed: bool = False
    vin: Annotated[Vin, Field(description="车架号")]

    @field_validator("vin")
    @classmethod
    def _confirmed(cls, vin: str, info: ValidationInfo) -> str:
        return confirmed_vin(vin, confirmed=info.data.get("vin_confirmed", False))


class VersionedRequest(RequestModel):
    """Command that decides on a displayed state; refused when that has changed since."""

    version: SeenVersion
