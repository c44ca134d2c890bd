with items as (
    select seller_id, order_item_id from {{ ref('int_flipkart__order_facts') }}
    union
    select seller_id, order_item_id from {{ ref('int_flipkart__documents') }}
    union
    select seller_id, order_item_id from {{ ref('stg_returns_report') }} where order_item_id is not null
    union
    select seller_id, order_item_id from {{ ref('int_flipkart__payout_lines') }} where order_item_id is not null
),

documents as (
    select
        seller_id,
        order_item_id,
        max(order_id) as order_id,
        min(case when is_sale then buyer_invoice_date end) as invoiced_on,
        min(case when not is_sale then buyer_invoice_date end) as credited_on,
        sum(case when is_sale then quantity else 0 end) as sold_units,
        sum(case when is_sale then 0 else quantity end) as returned_units,
        sum(case when is_sale then amount else 0 end) as sold_amount,
        sum(case when is_sale then 0 else -amount end) as returned_amount,
        sum(case when is_settled then 0 else amount end) as outstanding_amount
    from {{ ref('int_flipkart__documents') }}
    group by seller_id, order_item_id
),

returns as (
    select
        seller_id,
        order_item_id,
        count(*) as returns,
        min(return_requested_date) as return_requested_at,
        max(coalesce(return_completion_date, completed_date)) as return_completed_at
    from {{ ref('stg_returns_report') }}
    group by seller_id, order_item_id
),

payouts as (
    select
        seller_id,
        order_item_id,
        min(case when not is_provisional and coalesce(sale_amount, 0) <> 0 then payment_date end) as paid_on,
        max(case when not is_provisional and coalesce(refund, 0) <> 0 then payment_date end) as refunded_on,
        count(distinct case when not is_provisional then neft_id end) as payouts,
        sum(case when is_provisional then 0 else settlement_value end) as settled_value,
        sum(case when is_provisional and not is_paid_since then settlement_value else 0 end) as under_way_value,
        bool_or(is_provisional and not is_paid_since) as is_provisional
    from {{ ref('int_flipkart__payout_lines') }}
    where order_item_id is not null
    group by seller_id, order_item_id
)

select
    items.seller_id,
    items.order_item_id,
    coalesce(facts.order_id, documents.order_id) as order_id,
    facts.sku,
    facts.fsn,
    facts.status,
    case
        when payouts.refunded_on is not null then 'refunded'
        when documents.returned_amount > 0 or returns.return_completed_at is not null then 'returned'
        when returns.returns > 0 or facts.status = 'returned' then 'return requested'
        when payouts.paid_on is not null then 'paid'
        when facts.cancelled_at is not null or facts.status = 'cancelled' then 'cancelled'
        when facts.delivered_at is not null then 'delivered'
        when facts.dispatched_at is not null or documents.invoiced_on is not null then 'shipped'
        else 'ordered'
    end as stage,
    {{ flipkart_reports.kolkata_day('facts.ordered_at') }} as ordered_on,
    {{ flipkart_reports.kolkata_day('facts.cancelled_at') }} as cancelled_on,
    {{ flipkart_reports.kolkata_day('facts.dispatched_at') }} as dispatched_on,
    documents.invoiced_on,
    {{ flipkart_reports.kolkata_day('facts.delivered_at') }} as delivered_on,
    {{ flipkart_reports.kolkata_day('returns.return_requested_at') }} as return_requested_on,
    {{ flipkart_reports.kolkata_day('returns.return_completed_at') }} as return_completed_on,
    documents.credited_on,
    payouts.paid_on,
    payouts.refunded_on,
    cast(coalesce(facts.ordered_units, 0) as bigint) as ordered_units,
    cast(coalesce(documents.sold_units, 0) as bigint) as sold_units,
    cast(coalesce(documents.returned_units, 0) as bigint) as returned_units,
    coalesce(returns.returns, 0) as returns,
    coalesce(payouts.payouts, 0) as payouts,
    {{ flipkart_reports.rupees('documents.sold_amount') }} as sold_amount,
    {{ flipkart_reports.rupees('documents.returned_amount') }} as returned_amount,
    {{ flipkart_reports.rupees('payouts.settled_value') }} as settled_value,
    {{ flipkart_reports.rupees('documents.outstanding_amount') }} as outstanding_amount,
    {{ flipkart_reports.rupees('payouts.under_way_value') }} as under_way_value,
    coalesce(payouts.is_provisional, false) as is_provisional
from items
left join {{ ref('int_flipkart__order_facts') }} as facts
    on items.seller_id = facts.seller_id and items.order_item_id = facts.order_item_id
left join documents
    on items.seller_id = documents.seller_id and items.order_item_id = documents.order_item_id
left join returns
    on items.seller_id = returns.seller_id and items.order_item_id = returns.order_item_id
left join payouts
    on items.seller_id = payouts.seller_id and items.order_item_id = payouts.order_item_id
