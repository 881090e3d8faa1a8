"""KPIs of a day, computed from the facts, and the published reports."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from shared.contracts.reporting import DailyKpis, DailyReportPublished
from shared.db import Connection
from shared.group import Store

_FIGURES = """
WITH arrival AS (
    SELECT count(*) AS arrived,
           count(appointment_id) AS with_appointment,
           percentile_cont(ARRAY[0.5, 0.9])
               WITHIN GROUP (ORDER BY extract(epoch FROM greeted_at - arrived_at)::float8)
               FILTER (WHERE greeted_at < $3) AS waited_s
    FROM order_fact WHERE store_id = $1 AND arrived_at >= $2 AND arrived_at < $3
), delivery AS (
    SELECT count(*) AS delivered,
           count(*) FILTER (WHERE delivered_at <= first_promised_at) AS kept_first,
           count(*) FILTER (WHERE delivered_at <= coalesce(last_promised_at, first_promised_at))
               AS kept_last,
           count(*) FILTER (WHERE (arrived_at AT TIME ZONE $4)::date
                                  = (delivered_at AT TIME ZONE $4)::date) AS same_day,
           count(*) FILTER (WHERE delivery_steps > 0 AND delivery_waivers = 0) AS complete
    FROM order_fact WHERE store_id = $1 AND delivered_at >= $2 AND delivered_at < $3
), invoice AS (
    SELECT count(*) AS settled,
           coalesce(sum(invoiced_cents), 0)::bigint AS invoiced_cents,
           coalesce(sum(labor_cents), 0)::bigint AS labor_cents,
           coalesce(sum(parts_cents), 0)::bigint AS parts_cents,
           coalesce(sum(hours_sold), 0)::float8 AS hours_sold,
           sum(receivable_cents)::float8 AS receivable_cents,
           avg(1 - abs(invoiced_cents - estimate_cents) / estimate_cents::float8)
               FILTER (WHERE estimate_cents > 0) AS estimate_accuracy,
           avg((abs(invoiced_cents - estimate_cents) * 10 <= estimate_cents)::integer::float8)
               FILTER (WHERE estimate_cents > 0) AS estimate_within_tenth_rate
    FROM invoice_fact LEFT JOIN order_fact USING (store_id, order_id)
    WHERE store_id = $1 AND issued_at >= $2 AND issued_at < $3
), collection AS (
    SELECT coalesce(sum(amount_cents), 0)::float8 AS collected_cents
    FROM payment_fact
    WHERE store_id = $1 AND received_at < $3 AND order_id IN (
        SELECT order_id FROM invoice_fact
        WHERE store_id = $1 AND issued_at >= $2 AND issued_at < $3)
), credit_note AS (
    SELECT coalesce(sum(amount_cents), 0)::bigint AS credited_cents
    FROM credit_note_fact WHERE store_id = $1 AND issued_at >= $2 AND issued_at < $3
), correction AS (
    SELECT coalesce(sum(note.receivable_cents), 0)::float8 AS corrected_cents
    FROM invoice_fact AS invoiced JOIN credit_note_fact AS note USING (store_id, invoice_id)
    WHERE store_id = $1 AND invoiced.issued_at >= $2 AND invoiced.issued_at < $3
      AND note.issued_at < $3
), payment AS (
    SELECT coalesce(sum(amount_cents) FILTER (WHERE amount_cents > 0), 0)::bigint
               AS received_cents,
           coalesce(-sum(amount_cents) FILTER (WHERE amount_cents < 0), 0)::bigint
               AS refunded_cents
    FROM payment_fact WHERE store_id = $1 AND received_at >= $2 AND received_at < $3
), assignment AS (
    SELECT count(*) AS assigned, count(*) FILTER (WHERE overridden_at < $3) AS overridden
    FROM job_fact WHERE store_id = $1 AND assigned_at >= $2 AND assigned_at < $3
), work AS (
    SELECT coalesce(sum(coalesce(corrected_clocked_s, clocked_s)), 0)::float8 / 3600
               AS clocked_hours
    FROM job_fact
    WHERE store_id = $1 AND coalesce(corrected_finished_at, finished_at) >= $2
      AND coalesce(corrected_finished_at, finished_at) < $3
), attendance AS (
    SELECT coalesce(sum(attended_s), 0)::float8 / 3600 AS attended_hours
    FROM attendance_fact
    WHERE store_id = $1 AND is_technician AND ended_at >= $2 AND ended_at < $3
), follow_up AS (
    SELECT count(*) AS scheduled
    FROM follow_up_fact
    WHERE store_id = $1 AND reason = 'delivery' AND scheduled_at >= $2 AND scheduled_at < $3
), feedback AS (
    SELECT avg((work_quality + technical_skill + service_attitude) / 3.0)::float8 AS feedback,
           avg(work_quality)::float8 AS feedback_work_quality,
           avg(technical_skill)::float8 AS feedback_technical_skill,
           avg(service_attitude)::float8 AS feedback_service_attitude
    FROM feedback_fact WHERE store_id = $1 AND submitted_at >= $2 AND submitted_at < $3
), survey AS (
    SELECT avg(csi) AS csi
    FROM survey_fact WHERE store_id = $1 AND answered_at >= $2 AND answered_at < $3
), corrective_action_state AS (
    SELECT count(*) FILTER (WHERE opened_at >= $2) AS opened,
           count(*) FILTER (WHERE due_at < $3 AND (closed_at >= $3 OR closed_at IS NULL)) AS overdue
    FROM corrective_action_fact WHERE store_id = $1 AND opened_at < $3
), told AS (
    SELECT split_part(type, '.', 3) AS name, order_id, time, data
    FROM event_log
    WHERE store_id = $1 AND time >= $2 AND time < $3
      AND type IN ('aftersales.reception.OrderOpened.v1',
                   'aftersales.reception.GreetingOverdue.v1',
                   'aftersales.reception.AppointmentNoShow.v1',
                   'aftersales.reception.FacilityCheckOverdue.v1',
                   'aftersales.workshop.QualityInspectionPassed.v1',
                   'aftersales.workshop.QualityInspectionFailed.v1',
                   'aftersales.workshop.DiagnosisRecorded.v1',
                   'aftersales.workshop.VehicleReady.v1',
                   'aftersales.reception.WarrantyClaimSubmitted.v1',
                   'aftersales.reception.WarrantyClaimSettled.v1',
                   'aftersales.reception.WarrantyClaimOverdue.v1',
                   'aftersales.reception.FacilityCheckCompleted.v1',
                   'aftersales.crm.CustomerNotified.v1',
                   'aftersales.crm.ComplaintOpened.v1')
), counted AS (
    SELECT count(*) FILTER (WHERE name = 'OrderOpened') AS orders,
           count(*) FILTER (WHERE name = 'GreetingOverdue') AS greeted_late,
           count(*) FILTER (WHERE name = 'AppointmentNoShow') AS no_shows,
           count(*) FILTER (WHERE name = 'FacilityCheckOverdue') AS facility_checks_overdue,
           count(*) FILTER (WHERE name = 'QualityInspectionFailed') AS failed,
           count(*) FILTER (WHERE name IN ('QualityInspectionPassed',
           'QualityInspectionFailed')) AS inspected,
           count(*) FILTER (WHERE name = 'WarrantyClaimSubmitted') AS claims_submitted,
           count(*) FILTER (WHERE name = 'WarrantyClaimSettled') AS claims_settled,
           count(DISTINCT data->>'claim_id')
               FILTER (WHERE name = 'WarrantyClaimOverdue'
                       AND (data->>'days_overdue')::integer >= 0) AS claims_overdue,
           count(*) FILTER (WHERE name = 'CustomerNotified') AS customers_notified,
           count(*) FILTER (WHERE name = 'ComplaintOpened') AS complained
    FROM told
), facility_check AS (
    SELECT count(DISTINCT data->>'area') AS due,
           count(DISTINCT data->>'area') FILTER (WHERE name = 'FacilityCheckCompleted') AS done
    FROM told WHERE name IN ('FacilityCheckCompleted', 'FacilityCheckOverdue')
), of_opened AS (
    SELECT told.name, order_id, told.time, told.data, opened.data AS opening
    FROM told JOIN event_log AS opened USING (order_id)
    WHERE opened.store_id = $1 AND opened.time < $3
      AND opened.type = 'aftersales.reception.OrderOpened.v1'
), diagnosis AS (
    SELECT avg(described::integer::float8) AS concern_match_rate
    FROM (SELECT bool_and((opening->'symptoms') @> (data->'symptoms')) AS described
          FROM of_opened WHERE name = 'DiagnosisRecorded'
          GROUP BY order_id) AS diagnosed
), calibration AS (
    SELECT jsonb_object_agg(confidence, kept) AS promise_calibration
    FROM (SELECT (opening->'promise_confidence')::float8::text AS confidence,
                 avg((time <= (opening->>'promised_at')::timestamptz)::integer::float8) AS kept
          FROM of_opened
          WHERE name = 'VehicleReady' AND opening->>'promise_provisional' IS DISTINCT FROM 'true'
          GROUP BY confidence) AS stated
), comeback AS (
    SELECT count(DISTINCT order_id) AS returned
    FROM told JOIN event_log AS link USING (order_id)
    WHERE told.name = 'OrderOpened' AND link.store_id = $1
      AND link.type = 'aftersales.workshop.ComebackLinked.v1' AND link.time < $3
), month_ago AS (
    SELECT 1 - count(DISTINCT link.data->>'earlier_order_id')
                   / nullif(count(DISTINCT ready.order_id), 0)::float8 AS first_time_fix_rate
    FROM event_log AS ready
    LEFT JOIN event_log AS link
        ON link.store_id = ready.store_id AND link.data->>'earlier_order_id' = ready.order_id
       AND link.type = 'aftersales.workshop.ComebackLinked.v1'
       AND link.time >= ready.time AND link.time < $3
    WHERE ready.store_id = $1 AND ready.type = 'aftersales.workshop.VehicleReady.v1'
      AND ready.time >= $2 - interval '31 days' AND ready.time < $3 - interval '31 days'
), fortnight AS (
    SELECT avg(coalesce(last.type = 'aftersales.crm.ComplaintClosed.v1', false)::integer::float8)
               AS closed_rate
    FROM event_log AS opened
    LEFT JOIN LATERAL (
        SELECT ended.type FROM event_log AS ended
        WHERE ended.store_id = opened.store_id
          AND ended.type IN ('aftersales.crm.ComplaintClosed.v1',
                             'aftersales.crm.ComplaintReopened.v1')
          AND ended.time >= opened.time AND ended.time < opened.time + interval '14 days'
          AND ended.data->>'complaint_id' = opened.data->>'complaint_id'
        ORDER BY ended.sequence DESC LIMIT 1) AS last ON true
    WHERE opened.store_id = $1 AND opened.type = 'aftersales.crm.ComplaintOpened.v1'
      AND opened.time >= $2 - interval '14 days' AND opened.time < $3 - interval '14 days'
), aged_invoice AS (
    SELECT invoice_id, order_id, receivable_cents,
           (ARRAY['0-6', '7-14', '15-29', '30-89'])[1 + width_bucket(
               extract(epoch FROM $3 - max(issued_at) OVER (PARTITION BY order_id)) / 86400,
               ARRAY[7, 15, 30]::numeric[])] AS age
    FROM invoice_fact
    WHERE store_id = $1 AND issued_at > $3 - interval '90 days' AND issued_at < $3
), age AS (
    SELECT jsonb_object_agg(age, collection_rate) AS collection_rate_by_age
    FROM (SELECT age, sum(received)::float8 / sum(due) AS collection_rate
          FROM (SELECT age, receivable_cents AS due, 0 AS received FROM aged_invoice
                UNION ALL
                SELECT age, 0, amount_cents
                FROM (SELECT DISTINCT order_id, age FROM aged_invoice) AS invoiced
                JOIN payment_fact USING (order_id)
                WHERE store_id = $1 AND received_at < $3
                UNION ALL
                SELECT age, -note.receivable_cents, 0
                FROM aged_invoice JOIN credit_note_fact AS note USING (invoice_id)
                WHERE store_id = $1 AND issued_at < $3) AS movement
          GROUP BY age HAVING sum(due) > 0) AS per_age
)
SELECT arrived, orders, delivered, settled, invoiced_cents, labor_cents, parts_cents,
       received_cents,
       kept_first / nullif(delivered, 0)::float8 AS on_time_rate_initial,
       kept_last / nullif(delivered, 0)::float8 AS on_time_rate_final,
       same_day / nullif(delivered, 0)::float8 AS same_day_rate,
       waited_s[1] AS greet_wait_median_s,
       waited_s[2] AS greet_wait_p90_s,
       greeted_late,
       complete / nullif(delivered, 0)::float8 AS complete_delivery_rate,
       with_appointment / nullif(arrived, 0)::float8 AS appointment_rate,
       with_appointment / nullif(with_appointment + no_shows, 0)::float8 AS show_rate,
       hours_sold AS standard_hours_sold,
       clocked_hours,
       attended_hours,
       clocked_hours / nullif(attended_hours, 0) AS utilization,
       hours_sold / nullif(attended_hours, 0) AS overall_efficiency,
       hours_sold / nullif(clocked_hours, 0) AS efficiency,
       overridden / nullif(assigned, 0)::float8 AS dispatch_override_rate,
       scheduled AS follow_ups_scheduled,
       estimate_accuracy, estimate_within_tenth_rate, refunded_cents, credited_cents,
       collected_cents / nullif(receivable_cents - corrected_cents, 0) AS collection_rate,
       collection_rate_by_age,
       feedback, feedback_work_quality, feedback_technical_skill, feedback_service_attitude,
       csi,
       opened AS corrective_actions_opened,
       overdue AS corrective_actions_overdue,
       facility_checks_overdue,
       done / nullif(due, 0)::float8 AS facility_check_rate,
       concern_match_rate,
       promise_calibration,
       failed / nullif(inspected, 0)::float8 AS internal_rework_rate,
       returned / nullif(orders, 0)::float8 AS comeback_rate,
       first_time_fix_rate,
       labor_cents / nullif(hours_sold, 0) AS effective_labor_rate,
       hours_sold / nullif(settled, 0) AS hours_per_ro,
       invoiced_cents / nullif(settled, 0)::float8 AS revenue_per_ro,
       claims_submitted, claims_settled, claims_overdue, customers_notified,
       complained AS complaints_opened,
       complained / nullif(settled, 0)::float8 AS complaint_rate,
       closed_rate AS complaints_closed_14d_rate
FROM arrival, delivery, invoice, collection, credit_note, correction, payment, assignment,
     work, attendance, follow_up, feedback, survey, corrective_action_state, facility_check,
     counted, diagnosis, calibration, comeback, month_ago, fortnight, age
"""

_OPEN_DAYS = """
INSERT INTO business_day (store_id, day)
SELECT * FROM unnest($1::text[], $2::date[])
ON CONFLICT (store_id, day) DO UPDATE SET is_closed = false WHERE business_day.is_closed
RETURNING store_id, day
"""
"""Insert of business days, which also locks the days that it does not change.

Because of the lock, no report leaves out a batch that is folded while it is computed.
"""

_CLOSE_DAY = "UPDATE business_day SET is_closed = true WHERE store_id = $1 AND day = $2"

_KEEP = """
INSERT INTO daily_report (store_id, day, revision, published_at, report)
SELECT * FROM unnest($1::text[], $2::date[], $3::integer[], $4::timestamptz[], $5::jsonb[])
ON CONFLICT DO NOTHING
"""

_OF_DAY = """
SELECT DISTINCT ON (store_id) report FROM daily_report
WHERE day = $1 ORDER BY store_id, revision DESC
"""


async def kpis(connection: Connection, store: Store, begin: datetime, until: datetime) -> DailyKpis:
    """Return the KPIs of a store from ``begin`` until before ``until``."""
    row: Any = await connection.fetchrow(_FIGURES, store.id, begin, until, store.zone)
    return DailyKpis(**row)


async def open_days(
    connection: Connection, days: Sequence[tuple[str, date]]
) -> list[tuple[str, date]]:
    """Record that these business days have events, and return those without a pending report."""
    rows = await connection.fetch(
        _OPEN_DAYS, [store_id for store_id, _ in days], [day for _, day in days]
    )
    return [(row["store_id"], row["day"]) for row in rows]


async def close_day(connection: Connection, store_id: str, day: date) -> None:
    """Record that the day's report is made, of all batches that were folded before."""
    await connection.execute(_CLOSE_DAY, store_id, day)


async def latest(connection: Connection, store_id: str, day: date) -> DailyReportPublished | None:
    """Return the store's report of the day in its last revision, if there is one."""
    return next((each for each in await of_day(connection, day) if each.store_id == store_id), None)


async def keep(connection: Connection, reports: Sequence[DailyReportPublished]) -> None:
    """Store published reports, each revision once."""
    await connection.execute(
        _KEEP,
        [report.store_id for report in reports],
        [date.fromisoformat(report.day) for report in reports],
        [report.revision for report in reports],
        [report.published_at for report in reports],
        [report.model_dump(mode="json") for report in reports],
    )


async def of_day(connection: Connection, day: date) -> list[DailyReportPublished]:
    """Return the reports of a day of the stores in scope, in their last revisions."""
    rows = await connection.fetch(_OF_DAY, day)
    return [DailyReportPublished.model_validate(row["report"]) for row in rows]
