WITH event AS (
    SELECT DISTINCT ON (ce_id)
        ce_storeid AS store_id,
        ce_type,
        ce_time::timestamptz AS happened_at,
        data::json AS data
    FROM read_parquet($files)
),

invoice AS (
    SELECT
        store_id,
        (happened_at AT TIME ZONE 'Asia/Shanghai')::date AS day,
        (data ->> 'total_cents')::bigint AS total_cents,
        (data ->> 'labor_cents')::bigint AS labor_cents
    FROM event
    WHERE ce_type = 'aftersales.reception.InvoiceIssued.v1'
)

SELECT to_json({
    store_id: store_id,
    day: day,
    invoices: count(*),
    invoiced_cents: sum(total_cents)::bigint,
    labor_share: round(sum(labor_cents) / sum(total_cents), 3)
})
FROM invoice
GROUP BY store_id, day
ORDER BY store_id, day
