"""What the bodies of all requests have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from shared.identifiers import Vin, confirmed_vin


class Body(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class BodyWithVin(Body):
    """``vin_confirmed``: the vehicle says so, although the check digit is wrong."""

    vin_confirmed: bool = False
    vin: Annotated[Vin, Field(description="车架号")]

    @field_validator("vin")
    @classmethod
    def _confirmed(cls, vin: str, info: ValidationInfo) -> str:
        return confirmed_vin(vin, confirmed=info.data.get("vin_confirmed", False))
