"""Customers (客户) and the people of a vehicle (车辆关系人), as a registration recognizes them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.crm.domain import errors
from shared.contracts import Event
from shared.contracts.crm import (
    CustomerRegistered,
    OwnershipChanged,
    VehicleIdentified,
    VehicleRole,
)
from shared.contracts.versioned import Versioned

CustomerKind = Literal["person", "company"]
"""个人, 单位."""

ContactKind = Literal["phone", "email", "wecom"]
"""电话, 电子邮箱, 企业微信."""

ContactHolder = Literal["own", "family", "contact_person", "driver"]
"""Person who answers at a contact point: 本人, 家人, 联系人, 驾驶人."""

OtherRole = Literal["driver", "payer", "bringer"]
"""驾驶人, 付款人, 送修人."""

Answer = Literal["same_person", "another_person", "new_owner"]
"""同一人, 其他人（家人、驾驶人）, 过户."""


@dataclass(frozen=True)
class CustomerRecord(Versioned):
    """Who a customer is: a person or a company, and the name, which is only ever in memory."""

    customer_ref: str
    kind: CustomerKind
    name: str


@dataclass(frozen=True)
class Candidate:
    """A customer whom a registration may mean.

    ``roles`` are those for the registered vehicle; ``same_name`` and ``same_phone`` say what was
    typed alike.
    """

    customer_ref: str
    roles: Sequence[VehicleRole]
    same_name: bool
    same_phone: bool

    @property
    def is_meant(self) -> bool:
        return self.same_name and self.same_phone


@dataclass(frozen=True)
class Decision:
    """The answer to the question which person brings a vehicle.

    ``customer_ref`` is the same person, or the owner who is replaced; ``role`` is that of another
    person.
    """

    answer: Answer
    customer_ref: str | None = None
    role: OtherRole = "driver"


@dataclass(frozen=True)
class Recognition:
    """The person who brings a vehicle, None for a new one, and their role.

    ``corrects``: they are known by another name or telephone number, which is replaced;
    ``same_phone``: the number is known as theirs.
    """

    customer_ref: str | None
    role: VehicleRole
    corrects: bool = False
    same_phone: bool = False


def recognize(candidates: Sequence[Candidate], decision: Decision | None) -> Recognition:
    """Return the person who brings a vehicle.

    A customer is recognized by name and telephone number together. A vehicle that has an owner
    never changes hands, and no customer is renamed, without a decision.

    Raises:
        RuleViolation: it may be one of several, and nothing, or no longer the right thing, is
            decided.
    """
    owner = next((each for each in candidates if "owner" in each.roles), None)
    meant = [each for each in candidates if each.is_meant]
    known = min(meant, key=lambda each: not each.roles, default=None)
    if decision is not None and decision.answer == "new_owner":
        return _new_owner(candidates, owner, known, decision)
    if known is not None and (known.roles or owner is None):
        return Recognition(known.customer_ref, _role(known))
    if decision is None and not candidates:
        return Recognition(None, "owner")
    if decision is not None and decision.answer == "another_person":
        role: VehicleRole = decision.role if owner else "owner"
        return Recognition(known.customer_ref if known else None, role)
    for each in candidates:
        named = decision is not None and each.customer_ref == decision.customer_ref
        if named and (each.roles or owner is None):
            return Recognition(each.customer_ref, _role(each), True, each.same_phone)
    raise errors.person_undecided(candidates)


def register(
    store_id: str,
    vehicle_ref: str,
    customer_ref: str,
    role: VehicleRole,
    former_owner: str | None,
    now: datetime,
) -> list[Event]:
    """Register a customer for a vehicle in a role that they did not have (建档, 过户)."""
    events: list[Event] = [
        CustomerRegistered(
            store_id=store_id,
            customer_ref=customer_ref,
            vehicle_ref=vehicle_ref,
            vehicle_role=role,
            registered_at=now,
        )
    ]
    if role == "owner" and former_owner is not None:
        events.append(
            OwnershipChanged(
                store_id=store_id,
                vehicle_record_id=f"{store_id}:{vehicle_ref}",
                vehicle_ref=vehicle_ref,
                customer_ref=customer_ref,
                former_customer_ref=former_owner,
                changed_at=now,
            )
        )
    return events


def require_free_vin(
    vehicle_ref: str, here: str | None, in_group: Collection[str], *, is_same_vehicle: bool
) -> None:
    """Refuse a corrected VIN that another vehicle has.

    ``here`` is the store's own vehicle with it, ``in_group`` are those of all stores;
    ``is_same_vehicle``: a person says that it is one vehicle.

    Raises:
        RuleViolation: another vehicle of the store has it, or another store knows a vehicle with it
            and nobody has said that it is this one.
    """
    if here not in (None, vehicle_ref):
        raise errors.vin_of_another_vehicle(here)
    if set(in_group) - {vehicle_ref} and not is_same_vehicle:
        raise errors.vin_known_elsewhere()


def identify(
    store_id: str, vehicle_ref: str, unusual: bool, now: datetime
) -> list[VehicleIdentified]:
    """Give a vehicle its VIN, whose check digit may be ``unusual``."""
    return [
        VehicleIdentified(
            store_id=store_id,
            vehicle_record_id=f"{store_id}:{vehicle_ref}",
            vehicle_ref=vehicle_ref,
            unusual=unusual,
            identified_at=now,
        )
    ]


def _new_owner(
    candidates: Sequence[Candidate],
    owner: Candidate | None,
    known: Candidate | None,
    decision: Decision,
) -> Recognition:
    if owner is not None and owner is known:
        return Recognition(owner.customer_ref, "owner")
    if owner is None or owner.customer_ref != decision.customer_ref:
        raise errors.person_undecided(candidates)
    return Recognition(known.customer_ref if known else None, "owner")


def _role(candidate: Candidate) -> VehicleRole:
    """Return the first of the roles; who has none comes with a vehicle of their own."""
    if "owner" in candidate.roles or not candidate.roles:
        return "owner"
    return candidate.roles[0]
