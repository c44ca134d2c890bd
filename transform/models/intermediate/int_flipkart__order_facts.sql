-- One row per order item of the orders report, which may give an item a row for each of its shipments.
with shipments as (
    select
        *,
        row_number() over (
            partition by seller_id, order_item_id
            order by report_to_date desc, report_id desc, report_row_number desc
        ) as newest_first_
    from {{ ref('stg_orders_report') }}
)

select
    seller_id,
    order_item_id,
    max(order_id) as order_id,
    max(sku) as sku,
    max(fsn) as fsn,
    sum(quantity) as ordered_units,
    max(case when newest_first_ = 1 then lower(order_item_status) end) as status,
    min(order_date) as ordered_at,
    max(order_cancellation_date) as cancelled_at,
    min(dispatched_date) as dispatched_at,
    max(order_delivery_date) as delivered_at
from shipments
group by seller_id, order_item_id
