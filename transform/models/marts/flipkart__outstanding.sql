with as_of as (
    select seller_id, max(report_to_date) as day
    from {{ ref('int_flipkart__payout_lines') }}
    group by seller_id
),

under_way as (
    select seller_id, order_item_id, sum(settlement_value) as settlement_value
    from {{ ref('int_flipkart__payout_lines') }}
    where sheet = 'orders' and is_provisional and not is_paid_since
    group by seller_id, order_item_id
)

select
    documents.seller_id,
    documents.row_key as document_key,
    documents.order_item_id,
    documents.order_id,
    documents.buyer_invoice_id,
    documents.buyer_invoice_date,
    documents.event_type,
    documents.event_sub_type,
    documents.is_sale,
    {{ flipkart_reports.rupees('documents.amount') }} as outstanding_amount,
    under_way.order_item_id is not null as is_provisional,
    as_of.day as as_of,
    as_of.day - documents.buyer_invoice_date as days_outstanding
from {{ ref('int_flipkart__documents') }} as documents
left join under_way
    on documents.seller_id = under_way.seller_id and documents.order_item_id = under_way.order_item_id
left join as_of
    on documents.seller_id = as_of.seller_id
where not documents.is_settled
