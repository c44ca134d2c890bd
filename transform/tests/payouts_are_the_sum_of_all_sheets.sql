-- Written out sheet by sheet, and not by way of the lines that flipkart__payouts is made of.
with sheets as (
    select seller_id, bank_settlement_value as settlement_value from {{ ref('stg_settled_transaction_ledger') }}
    {%- for sheet in [
        'mp_fee_rebate', 'non_order_spf', 'storage_recall', 'value_added_services', 'support_services',
        'review_accelerator_services', 'insight_subscription_services', 'fines', 'google_ads_services', 'ads',
        'tcs_recovery', 'tds',
    ] %}
    union all
    select seller_id, settlement_value from {{ ref('stg_settled_transaction_ledger_' ~ sheet) }}
    {%- endfor %}
),

sums as (
    select seller_id, settlement_value as of_sheets, 0 as of_payouts from sheets
    union all
    select seller_id, 0 as of_sheets, settlement_value as of_payouts from {{ ref('flipkart__payouts') }}
    union all
    select seller_id, 0 as of_sheets, settlement_value as of_payouts
    from {{ ref('int_flipkart__payout_lines') }}
    where is_paid_since
)

select seller_id, sum(of_sheets) as of_sheets, sum(of_payouts) as of_payouts
from sums
group by seller_id
having abs(sum(of_sheets) - sum(of_payouts)) > 0.01
