"""Campaigns, their customers and their costs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.crm.domain.campaign import (
    Campaign,
    CampaignStatus,
    CostKind,
    GroupFigures,
    Invitation,
    InvitationState,
)
from services.crm.domain.segment import Candidate, Segment
from shared.contracts.crm import CampaignAnswer, InvitationChannel, Tier
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_CAMPAIGNS = Table(
    "campaign", Campaign, key=("store_id", "campaign_id"), json=("segment", "price_limits")
)

_INVITATIONS = Table(
    "campaign_invitation",
    Invitation,
    key=("store_id", "invitation_id"),
    fixed=("campaign_id", "customer_ref", "tier", "wave"),
)

_SELECTED = """
SELECT customer.customer_ref, review.tier,
       coalesce(said_consent($1, customer.customer_ref, 'marketing'), false) AS consents
FROM customer
LEFT JOIN customer_review AS review USING (store_id, customer_ref)
CROSS JOIN LATERAL (SELECT references_of($1, customer.customer_ref) AS refs) AS known
WHERE customer.store_id = $1 AND customer.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM present_alias AS alias
                  WHERE alias.store_id = $1 AND alias.alias_ref = customer.customer_ref)
  AND (cardinality($2::text[]) = 0 OR coalesce(review.tier, 'none') = ANY ($2))
  AND ($3::timestamptz IS NULL OR review.last_own_visit_at <= $3)
  AND ($4::timestamptz IS NULL OR review.last_own_visit_at >= $4)
  AND (NOT $5::boolean OR EXISTS (
        SELECT FROM vehicle
        LEFT JOIN service_vehicle USING (store_id, vehicle_ref)
        LEFT JOIN LATERAL (
            SELECT odometer_km FROM service_record AS record
            WHERE record.store_id = vehicle.store_id AND record.vehicle_ref = vehicle.vehicle_ref
            ORDER BY read_on DESC, odometer_km DESC LIMIT 1) AS reading ON true
        WHERE vehicle.store_id = $1 AND vehicle.customer_ref = ANY (known.refs)
          AND (cardinality($6::text[]) = 0 OR vehicle.brand = ANY ($6))
          AND (cardinality($7::text[]) = 0 OR vehicle.model = ANY ($7))
          AND ($8::integer IS NULL OR reading.odometer_km >= $8)
          AND ($9::integer IS NULL OR reading.odometer_km <= $9)
          AND ($10::date IS NULL OR service_vehicle.first_registered_on <= $10)
          AND ($11::date IS NULL OR service_vehicle.first_registered_on >= $11)
          AND (NOT $12::boolean OR EXISTS (
                SELECT FROM service_reminder AS declined
                WHERE declined.store_id = $1 AND declined.vehicle_ref = vehicle.vehicle_ref
                  AND declined.kind = 'declined_work' AND declined.state <> 'closed'))))
  AND ($13::date IS NULL OR EXISTS (
        SELECT FROM insurance_policy AS policy
        WHERE policy.store_id = $1 AND policy.customer_ref = ANY (known.refs)
          AND policy.result IS NULL AND policy.ends_on BETWEEN $14 AND $13))
  AND NOT ($15::boolean AND EXISTS (
        SELECT FROM complaint
        WHERE complaint.store_id = $1 AND complaint.customer_ref = ANY (known.refs)
          AND complaint.closed_at IS NULL))
  AND NOT ($16::boolean AND EXISTS (
        SELECT FROM campaign_invitation AS other JOIN campaign USING (store_id, campaign_id)
        WHERE other.store_id = $1 AND other.customer_ref = ANY (known.refs)
          AND campaign.status = 'running'))
"""

_CANDIDATES = f"""
SELECT customer_ref, tier FROM ({_SELECTED}) AS selected WHERE consents ORDER BY customer_ref
"""

_CHOSEN = f"SELECT customer_ref FROM ({_SELECTED}) AS selected ORDER BY customer_ref"

_SIZES = f"""
SELECT tier, (count(*) FILTER (WHERE consents))::integer AS customers,
       (count(*) FILTER (WHERE NOT consents))::integer AS without_consent
FROM ({_SELECTED}) AS selected
GROUP BY tier ORDER BY tier_rank(tier)
"""

_LISTED = (
    _CAMPAIGNS.select
    + """
WHERE store_id = $1 AND status = ANY ($2)
ORDER BY begins_on DESC, campaign_id LIMIT $3
"""
)

_DUE = (
    _INVITATIONS.select
    + """
WHERE store_id = $1 AND campaign_id = $2 AND state = 'waiting' AND wave <= $3
ORDER BY wave, tier_rank(tier), invitation_id LIMIT $4
"""
)

_NEXT_WAVE = """
SELECT min(wave) FROM campaign_invitation
WHERE store_id = $1 AND campaign_id = $2 AND state = 'waiting'
"""

_UNANSWERED = (
    _INVITATIONS.select
    + """
WHERE store_id = $1 AND campaign_id = $2
  AND (state = 'waiting' OR state = 'invited' AND answer IS NULL)
ORDER BY invitation_id LIMIT $3
"""
)

_LOCK = (
    _INVITATIONS.select
    + """
WHERE store_id = $1 AND invitation_id = ANY ($2)
ORDER BY invitation_id FOR UPDATE
"""
)

_RUNNING_OF = f"""
SELECT {_INVITATIONS.qualified_list}
FROM campaign_invitation JOIN campaign USING (store_id, campaign_id)
WHERE store_id = $1 AND campaign_invitation.customer_ref = ANY (references_of($1, $2))
  AND campaign.status = 'running'
ORDER BY campaign_id
FOR UPDATE OF campaign_invitation
"""

_OF_CAMPAIGN = (
    _INVITATIONS.select
    + """
WHERE store_id = $1 AND campaign_id = $2 AND state = ANY ($3)
  AND ($4::text IS NULL OR answer = $4)
  AND ($5 = '' OR (tier_rank(tier), invitation_id) > (
        SELECT tier_rank(tier), invitation_id FROM campaign_invitation
        WHERE store_id = $1 AND invitation_id = $5))
ORDER BY tier_rank(tier), invitation_id LIMIT $6
"""
)

_PROGRESS = """
SELECT wave, tier, state, channel, skip_cause, answer, count(*)::integer AS customers
FROM campaign_invitation WHERE store_id = $1 AND campaign_id = $2
GROUP BY wave, tier, state, channel, skip_cause, answer
ORDER BY wave NULLS LAST, tier_rank(tier), state, answer
"""

_FIGURES = """
SELECT invitation.wave IS NULL AS is_control, count(*)::integer AS customers,
       (count(*) FILTER (WHERE visited.visits > 0))::integer AS visitors,
       coalesce(sum(visited.visits), 0)::integer AS visits,
       coalesce(sum(visited.spent_cents), 0)::bigint AS spent_cents
FROM campaign_invitation AS invitation
CROSS JOIN LATERAL (
    SELECT count(*) AS visits, sum(spent_cents) AS spent_cents FROM service_visit AS visit
    WHERE visit.store_id = invitation.store_id
      AND visit.customer_ref = ANY (references_of($1, invitation.customer_ref))
      AND visit.delivered_at >= $3 AND visit.delivered_at < $4) AS visited
WHERE invitation.store_id = $1 AND invitation.campaign_id = $2
  AND NOT EXISTS (
      SELECT FROM present_alias AS alias
      JOIN campaign_invitation AS kept
          ON kept.store_id = $1 AND kept.campaign_id = $2
             AND kept.customer_ref = alias.customer_ref
      WHERE alias.store_id = $1 AND alias.alias_ref = invitation.customer_ref)
GROUP BY is_control
"""

_ADD_COST = """
INSERT INTO campaign_cost
    (store_id, cost_id, campaign_id, kind, amount_cents, spent_on, recorded_by, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_COSTS = """
SELECT kind, sum(amount_cents)::bigint AS amount_cents FROM campaign_cost
WHERE store_id = $1 AND campaign_id = $2 GROUP BY kind ORDER BY kind
"""

_COMPLAINING = """
SELECT ref FROM unnest($2::text[]) AS ref
WHERE EXISTS (SELECT FROM complaint
              WHERE store_id = $1 AND customer_ref = ANY (references_of($1, ref))
                AND closed_at IS NULL)
"""


@dataclass(frozen=True)
class Criteria:
    """A segment with its days as those of the calendar, counted from ``today``."""

    segment: Segment
    today: date
    visited_until: datetime | None
    visited_since: datetime | None
    registered_until: date | None
    registered_since: date | None
    insured_until: date | None


@dataclass(frozen=True)
class SegmentSize:
    """Customers of a segment with one tier, and those who match it but give no consent."""

    tier: Tier | None
    customers: int
    without_consent: int


@dataclass(frozen=True)
class Progress:
    """Number of customers of a campaign with the same state."""

    wave: int | None
    tier: Tier | None
    state: InvitationState
    channel: InvitationChannel | None
    skip_cause: str | None
    answer: CampaignAnswer | None
    customers: int


@dataclass(frozen=True)
class Cost:
    """One cost of a campaign."""

    store_id: str
    cost_id: str
    campaign_id: str
    kind: CostKind
    amount_cents: int
    spent_on: date
    recorded_by: str
    recorded_at: datetime


async def segment_sizes(
    connection: Connection, store_id: str, criteria: Criteria
) -> list[SegmentSize]:
    """Return how many customers a segment has now, by tier, the best one first."""
    rows = await connection.fetch(_SIZES, *_parameters(store_id, criteria))
    return [SegmentSize(**row) for row in rows]


async def candidates_of(
    connection: Connection, store_id: str, criteria: Criteria
) -> list[Candidate]:
    """Return the customers whom a segment has now, and who consent to marketing."""
    rows = await connection.fetch(_CANDIDATES, *_parameters(store_id, criteria))
    return [Candidate(**row) for row in rows]


async def customers_of_segment(
    connection: Connection, store_id: str, criteria: Criteria
) -> list[str]:
    """Return the customers whom a segment has now, whether they consent to marketing or not."""
    rows = await connection.fetch(_CHOSEN, *_parameters(store_id, criteria))
    return [row["customer_ref"] for row in rows]


async def save_campaign(connection: Connection, campaign: Campaign) -> None:
    """Store every field of the campaign."""
    await connection.execute(_CAMPAIGNS.upsert, *_CAMPAIGNS.values(campaign))


async def lock_campaign(connection: Connection, store_id: str, campaign_id: str) -> Campaign:
    """Return the campaign, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such campaign in the store.
    """
    return await _campaign(connection, store_id, campaign_id, " FOR UPDATE")


async def read_campaign(connection: Connection, store_id: str, campaign_id: str) -> Campaign:
    """Return the campaign.

    Raises:
        RuleViolation: there is no such campaign in the store.
    """
    return await _campaign(connection, store_id, campaign_id, "")


async def list_campaigns(
    connection: Connection, store_id: str, statuses: Sequence[CampaignStatus], most: int
) -> list[Campaign]:
    """Return campaigns with one of ``statuses``, those that begin last first."""
    rows = await connection.fetch(_LISTED, store_id, list(statuses), most)
    return [_CAMPAIGNS.read(row) for row in rows]


async def save_invitations(connection: Connection, invitations: Sequence[Invitation]) -> None:
    """Store every field of invitations."""
    await connection.executemany(
        _INVITATIONS.upsert, [_INVITATIONS.values(each) for each in invitations]
    )


async def due_invitations(
    connection: Connection, store_id: str, campaign_id: str, wave: int, most: int
) -> list[Invitation]:
    """Return customers who are to be invited up to a wave."""
    rows = await connection.fetch(_DUE, store_id, campaign_id, wave, most)
    return [_INVITATIONS.read(row) for row in rows]


async def next_wave(connection: Connection, store_id: str, campaign_id: str) -> int | None:
    """Return the first wave with customers who are still to be invited."""
    wave: int | None = await connection.fetchval(_NEXT_WAVE, store_id, campaign_id)
    return wave


async def unanswered_invitations(
    connection: Connection, store_id: str, campaign_id: str, most: int
) -> list[Invitation]:
    """Return customers who were not invited, or have not answered."""
    rows = await connection.fetch(_UNANSWERED, store_id, campaign_id, most)
    return [_INVITATIONS.read(row) for row in rows]


async def lock_invitations(
    connection: Connection, store_id: str, invitations: Sequence[Invitation]
) -> list[Invitation]:
    """Return invitations as they are now, locked until the transaction ends.

    Their customers' calls are locked before.
    """
    ids = [each.invitation_id for each in invitations]
    rows = await connection.fetch(_LOCK, store_id, ids)
    return [_INVITATIONS.read(row) for row in rows]


async def lock_running_invitations(
    connection: Connection, store_id: str, customer_ref: str
) -> list[Invitation]:
    """Return a customer's part in the campaigns that run, locked until the transaction ends."""
    rows = await connection.fetch(_RUNNING_OF, store_id, customer_ref)
    return [_INVITATIONS.read_qualified(row) for row in rows]


async def lock_invitation(connection: Connection, store_id: str, invitation_id: str) -> Invitation:
    """Return the invitation, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such invitation in the store.
    """
    return await _invitation(connection, store_id, invitation_id, " FOR UPDATE")


async def read_invitation(connection: Connection, store_id: str, invitation_id: str) -> Invitation:
    """Return the invitation.

    Raises:
        RuleViolation: there is no such invitation in the store.
    """
    return await _invitation(connection, store_id, invitation_id, "")


async def list_invitations(
    connection: Connection,
    store_id: str,
    campaign_id: str,
    states: Sequence[InvitationState],
    answer: CampaignAnswer | None,
    after: str,
    most: int,
) -> list[Invitation]:
    """Return customers of a campaign by tier, the best one first."""
    rows = await connection.fetch(
        _OF_CAMPAIGN, store_id, campaign_id, list(states), answer, after, most
    )
    return [_INVITATIONS.read(row) for row in rows]


async def campaign_progress(
    connection: Connection, store_id: str, campaign_id: str
) -> list[Progress]:
    """Return the numbers of a campaign's customers by wave, tier and state."""
    return [Progress(**row) for row in await connection.fetch(_PROGRESS, store_id, campaign_id)]


async def campaign_figures(
    connection: Connection,
    store_id: str,
    campaign_id: str,
    period: tuple[datetime, datetime],
) -> tuple[GroupFigures, GroupFigures]:
    """Return visits and spend of those who were invited, and of those held back, in a period."""
    rows = await connection.fetch(_FIGURES, store_id, campaign_id, *period)
    found = {
        row["is_control"]: GroupFigures(
            row["customers"], row["visitors"], row["visits"], row["spent_cents"]
        )
        for row in rows
    }
    return found.get(False, GroupFigures()), found.get(True, GroupFigures())


async def add_campaign_cost(connection: Connection, cost: Cost) -> None:
    """Store a cost of a campaign."""
    await connection.execute(
        _ADD_COST,
        cost.store_id,
        cost.cost_id,
        cost.campaign_id,
        cost.kind,
        cost.amount_cents,
        cost.spent_on,
        cost.recorded_by,
        cost.recorded_at,
    )


async def campaign_costs(
    connection: Connection, store_id: str, campaign_id: str
) -> Mapping[CostKind, int]:
    """Return the cost of a campaign so far, by kind."""
    rows = await connection.fetch(_COSTS, store_id, campaign_id)
    return {row["kind"]: row["amount_cents"] for row in rows}


async def customers_complaining(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> Collection[str]:
    """Return those of the customers who have an open complaint."""
    rows = await connection.fetch(_COMPLAINING, store_id, list(customer_refs))
    return {row["ref"] for row in rows}


async def _campaign(connection: Connection, store_id: str, campaign_id: str, lock: str) -> Campaign:
    row = await connection.fetchrow(
        _CAMPAIGNS.select + "WHERE store_id = $1 AND campaign_id = $2" + lock,
        store_id,
        campaign_id,
    )
    if row is None:
        raise unknown("campaign_id", campaign_id)
    return _CAMPAIGNS.read(row)


async def _invitation(
    connection: Connection, store_id: str, invitation_id: str, lock: str
) -> Invitation:
    row = await connection.fetchrow(
        _INVITATIONS.select + "WHERE store_id = $1 AND invitation_id = $2" + lock,
        store_id,
        invitation_id,
    )
    if row is None:
        raise unknown("invitation_id", invitation_id)
    return _INVITATIONS.read(row)


def _parameters(store_id: str, criteria: Criteria) -> list[object]:
    segment = criteria.segment
    return [
        store_id,
        list(segment.tiers),
        criteria.visited_until,
        criteria.visited_since,
        segment.asks_about_vehicles,
        list(segment.brands),
        list(segment.models),
        segment.min_odometer_km,
        segment.max_odometer_km,
        criteria.registered_until,
        criteria.registered_since,
        segment.has_declined_work,
        criteria.insured_until,
        criteria.today,
        segment.without_open_complaint,
        segment.without_other_campaign,
    ]
