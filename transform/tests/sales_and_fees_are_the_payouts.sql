-- What was paid out is what was sold, less what was refunded, with all fees and taxes; by seller and month.
with parts as (
    select
        orders.seller_id,
        payouts.payment_month as month,
        coalesce(orders.sale_amount, 0) + coalesce(orders.total_offer_amount, 0) + coalesce(orders.my_share, 0)
            + coalesce(orders.customer_add_ons_amount, 0) + coalesce(orders.offer_adjustments, 0)
            + coalesce(orders.protection_fund, 0) + coalesce(orders.refund, 0) as of_parts,
        0 as of_payouts
    from {{ ref('stg_settled_transaction_ledger') }} as orders
    inner join {{ ref('flipkart__payouts') }} as payouts
        on orders.seller_id = payouts.seller_id and orders.neft_id = payouts.neft_id
    where not payouts.is_provisional
    union all
    select seller_id, payment_month as month, protection_value as of_parts, settlement_value - unexplained_value as of_payouts
    from {{ ref('flipkart__payouts') }}
    where not is_provisional
    union all
    select seller_id, month, amount as of_parts, 0 as of_payouts
    from {{ ref('flipkart__fees') }}
)

select seller_id, month, sum(of_parts) as of_parts, sum(of_payouts) as of_payouts
from parts
group by seller_id, month
having abs(sum(of_parts) - sum(of_payouts)) > 0.01
