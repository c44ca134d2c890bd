with lines as (
    select * from {{ ref('int_flipkart__payout_rows') }}
),

-- The same money under a true NEFT ID: then the provisional line has come to its end.
paid_since as (
    select distinct lines.seller_id, lines.sheet, lines.row_key
    from lines
    inner join lines as paid
        on lines.seller_id = paid.seller_id
        and lines.sheet = paid.sheet
        and lines.reference_id = paid.reference_id
        and coalesce(lines.sale_amount, 0) = coalesce(paid.sale_amount, 0)
        and coalesce(lines.refund, 0) = coalesce(paid.refund, 0)
    where
        lines.is_provisional
        and not paid.is_provisional
        and paid.report_to_date >= lines.report_to_date
        and (
            coalesce(lines.sale_amount, 0) <> 0
            or coalesce(lines.refund, 0) <> 0
            or paid.settlement_value = lines.settlement_value
        )
)

select
    lines.*,
    paid_since.row_key is not null as is_paid_since
from lines
left join paid_since
    on lines.seller_id = paid_since.seller_id
    and lines.sheet = paid_since.sheet
    and lines.row_key = paid_since.row_key
