"""What the bodies of all requests have in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")
