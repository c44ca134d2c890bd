with sales as (
    select
        seller_id,
        sum(case when is_sale then amount else 0 end) as sold_amount,
        sum(case when is_sale then 0 else -amount end) as returned_amount,
        sum(case when is_settled then 0 else amount end) as outstanding_amount
    from {{ ref('int_flipkart__documents') }}
    group by seller_id
),

payouts as (
    select
        seller_id,
        sum(case when is_provisional then 0 else settlement_value end) as settled_amount,
        sum(case when is_provisional then settlement_value else 0 end) as under_way_amount,
        max(case when is_provisional then null else payment_date end) as last_paid_on
    from {{ ref('flipkart__payouts') }}
    group by seller_id
)

select
    coalesce(sales.seller_id, payouts.seller_id) as seller_id,
    {{ flipkart_reports.rupees('sales.sold_amount') }} as sold_amount,
    {{ flipkart_reports.rupees('sales.returned_amount') }} as returned_amount,
    {{ flipkart_reports.rupees('payouts.settled_amount') }} as settled_amount,
    {{ flipkart_reports.rupees('sales.outstanding_amount') }} as outstanding_amount,
    {{ flipkart_reports.rupees('payouts.under_way_amount') }} as under_way_amount,
    payouts.last_paid_on
from sales
full outer join payouts
    on sales.seller_id = payouts.seller_id
