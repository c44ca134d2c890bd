with lines as (
    {{ flipkart_reports.payout_lines('settled_transaction_ledger') }}
)

select
    lines.*,
    -- The same money under a true NEFT ID: then this line has come to its end.
    lines.is_provisional and exists (
        select 1
        from lines as paid
        where
            not paid.is_provisional
            and paid.seller_id = lines.seller_id
            and paid.sheet = lines.sheet
            and paid.reference_id = lines.reference_id
            and paid.report_to_date >= lines.report_to_date
            and coalesce(paid.sale_amount, 0) = coalesce(lines.sale_amount, 0)
            and coalesce(paid.refund, 0) = coalesce(lines.refund, 0)
            and (
                coalesce(lines.sale_amount, 0) <> 0
                or coalesce(lines.refund, 0) <> 0
                or paid.settlement_value = lines.settlement_value
            )
    ) as is_paid_since
from lines
