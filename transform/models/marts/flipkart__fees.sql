{%- set fees = [
    'commission', 'fixed_fee', 'collection_fee', 'pick_and_pack_fee', 'shipping_fee', 'reverse_shipping_fee',
    'no_cost_emi_fee_reimbursement', 'installation_fee', 'tech_visit_fee', 'uninstallation_packaging_fee',
    'customer_add_ons_amount_recovery', 'franchise_fee', 'shopsy_marketing_fee', 'product_cancellation_fee',
] -%}
{%- set taxes = {'gst_on_mp_fees': 'gst_on_marketplace_fees', 'tcs': 'tcs', 'tds': 'tds'} -%}
{#- Each is a part of an order's row: its group, its kind, the expression. -#}
{%- set parts = [] -%}
{%- for fee in fees -%}{%- do parts.append(('marketplace', fee, fee)) -%}{%- endfor -%}
{%- for tax, kind in taxes.items() -%}{%- do parts.append(('tax', kind, tax)) -%}{%- endfor -%}
{%- for group, total, columns in [('marketplace', 'marketplace_fee', fees), ('tax', 'taxes', taxes)] -%}
    {%- set rest = ['coalesce(' ~ total ~ ', 0)'] -%}
    {%- for column in columns -%}{%- do rest.append('coalesce(' ~ column ~ ', 0)') -%}{%- endfor -%}
    {%- do parts.append((group, 'not_broken_down', rest | join(' - '))) -%}
{%- endfor -%}
{%- set services = {
    'value_added_services': 'service', 'support_services': 'service', 'review_accelerator_services': 'service',
    'insight_subscription_services': 'service', 'google_ads_services': 'service', 'fines': 'fine',
} -%}
{%- set storage = ref('stg_settled_transaction_ledger_storage_recall') -%}
{%- set ads = ref('stg_settled_transaction_ledger_ads') -%}
with orders as (
    -- The many rows of orders are added up before they are taken apart.
    select
        seller_id,
        neft_id,
        {%- for group, kind, expression in parts %}
        sum({{ expression }}) as amount_{{ loop.index }},
        count(nullif({{ expression }}, 0)) as lines_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_settled_transaction_ledger') }}
    group by seller_id, neft_id
),

others as (
    select seller_id, neft_id, 'storage' as fee_group, lower(coalesce(service_name, 'storage_recall')) as fee_kind,
        marketplace_fees as amount
    from {{ storage }}
    union all
    select seller_id, neft_id, 'tax', 'gst_on_storage_and_recall', gst_on_storage_recall_fees
    from {{ storage }}
    union all
    select seller_id, neft_id, 'ads', 'ads', coalesce(wallet_redeem, 0) + coalesce(wallet_redeem_reversal, 0)
    from {{ ads }}
    union all
    select seller_id, neft_id, 'ads', 'ads_wallet', coalesce(wallet_topup, 0) + coalesce(wallet_refund, 0)
    from {{ ads }}
    union all
    select seller_id, neft_id, 'tax', 'gst_on_ads', gst_on_ads_fees
    from {{ ads }}
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
),

amounts as (
    {%- for group, kind, _ in parts %}
    select seller_id, neft_id, '{{ group }}' as fee_group, '{{ kind }}' as fee_kind, amount_{{ loop.index }} as amount,
        lines_{{ loop.index }} as lines
    from orders
    union all
    {%- endfor %}
    select seller_id, neft_id, fee_group, fee_kind, amount, case when amount <> 0 then 1 else 0 end as lines
    from others
)

select
    amounts.seller_id,
    payouts.payment_month as month,
    amounts.fee_group,
    amounts.fee_kind,
    cast(sum(amounts.lines) as bigint) as lines,
    {{ flipkart_reports.rupees('sum(amounts.amount)') }} as amount
from amounts
inner join {{ ref('flipkart__payouts') }} as payouts
    on amounts.seller_id = payouts.seller_id and amounts.neft_id = payouts.neft_id
where not payouts.is_provisional and amounts.lines > 0
group by amounts.seller_id, payouts.payment_month, amounts.fee_group, amounts.fee_kind
