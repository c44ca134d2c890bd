{%- set order_fees = [
    'commission', 'fixed_fee', 'collection_fee', 'pick_and_pack_fee', 'shipping_fee', 'reverse_shipping_fee',
    'no_cost_emi_fee_reimbursement', 'installation_fee', 'tech_visit_fee', 'uninstallation_packaging_fee',
    'customer_add_ons_amount_recovery', 'franchise_fee', 'shopsy_marketing_fee', 'product_cancellation_fee',
] -%}
{%- set services = {
    'value_added_services': 'service', 'support_services': 'service', 'review_accelerator_services': 'service',
    'insight_subscription_services': 'service', 'google_ads_services': 'service', 'fines': 'fine',
} -%}
{%- set order_taxes = {'gst_on_mp_fees': 'gst_on_marketplace_fees', 'tcs': 'tcs', 'tds': 'tds'} -%}
with orders as (
    select *
    from {{ ref('stg_settled_transaction_ledger') }}
    where not {{ flipkart_reports.is_provisional('neft_id') }}
),

lines as (
    {%- for fee in order_fees %}
    select seller_id, neft_id, 'marketplace' as fee_group, '{{ fee }}' as fee_kind, {{ fee }} as amount from orders
    union all
    {%- endfor %}
    select
        seller_id, neft_id, 'marketplace', 'not_broken_down',
        coalesce(marketplace_fee, 0){% for fee in order_fees %} - coalesce({{ fee }}, 0){% endfor %}
    from orders
    {%- for tax, kind in order_taxes.items() %}
    union all
    select seller_id, neft_id, 'tax', '{{ kind }}', {{ tax }} from orders
    {%- endfor %}
    union all
    select
        seller_id, neft_id, 'tax', 'not_broken_down',
        coalesce(taxes, 0){% for tax in order_taxes %} - coalesce({{ tax }}, 0){% endfor %}
    from orders
    union all
    select seller_id, neft_id, 'storage', lower(coalesce(service_name, 'storage_recall')), marketplace_fees
    from {{ ref('stg_settled_transaction_ledger_storage_recall') }}
    union all
    select seller_id, neft_id, 'tax', 'gst_on_storage_and_recall', gst_on_storage_recall_fees
    from {{ ref('stg_settled_transaction_ledger_storage_recall') }}
    union all
    select
        seller_id, neft_id, 'ads', 'ads', coalesce(wallet_redeem, 0) + coalesce(wallet_redeem_reversal, 0)
    from {{ ref('stg_settled_transaction_ledger_ads') }}
    union all
    select
        seller_id, neft_id, 'ads', 'ads_wallet', coalesce(wallet_topup, 0) + coalesce(wallet_refund, 0)
    from {{ ref('stg_settled_transaction_ledger_ads') }}
    union all
    select seller_id, neft_id, 'tax', 'gst_on_ads', gst_on_ads_fees
    from {{ ref('stg_settled_transaction_ledger_ads') }}
    {%- for sheet, group in services.items() %}
    union all
    select
        seller_id, neft_id, '{{ group }}', '{{ sheet }}',
        settlement_value - sign(settlement_value) * abs(coalesce(gst_on_service, 0))
    from {{ ref('stg_settled_transaction_ledger_' ~ sheet) }}
    union all
    select
        seller_id, neft_id, 'tax', 'gst_on_services', sign(settlement_value) * abs(gst_on_service)
    from {{ ref('stg_settled_transaction_ledger_' ~ sheet) }}
    {%- endfor %}
    {%- for sheet, kind in {'tcs_recovery': 'tcs_recovery', 'tds': 'tds_paid_back'}.items() %}
    union all
    select seller_id, neft_id, 'tax', '{{ kind }}', settlement_value
    from {{ ref('stg_settled_transaction_ledger_' ~ sheet) }}
    {%- endfor %}
    union all
    select seller_id, neft_id, 'rebate', 'mp_fee_rebate', settlement_value
    from {{ ref('stg_settled_transaction_ledger_mp_fee_rebate') }}
)

select
    lines.seller_id,
    payouts.payment_month as month,
    lines.fee_group,
    lines.fee_kind,
    count(*) as lines,
    {{ flipkart_reports.rupees('sum(lines.amount)') }} as amount
from lines
inner join {{ ref('flipkart__payouts') }} as payouts
    on lines.seller_id = payouts.seller_id and lines.neft_id = payouts.neft_id and not payouts.is_provisional
where lines.amount <> 0
group by lines.seller_id, payouts.payment_month, lines.fee_group, lines.fee_kind
