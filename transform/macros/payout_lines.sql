{#
  Every row of every sheet of a ledger that is part of a payout, alike: to whom, in which payout, for what, how much.
  GST_Details is not among them: it lists the GST that the other sheets already hold. Amounts of services are negative in
  the settlement value alone.

  ledger: settled_transaction_ledger or financial_year_ledger
#}
{% macro payout_lines(ledger) %}
{%- set services = [
    'value_added_services', 'support_services', 'review_accelerator_services', 'insight_subscription_services',
    'google_ads_services', 'fines',
] -%}
{%- set sheets = {
    'orders': {
        'reference_id': 'order_item_id',
        'settlement_value': 'bank_settlement_value',
        'parts': [
            'sale_amount', 'total_offer_amount', 'my_share', 'customer_add_ons_amount', 'marketplace_fee', 'taxes',
            'offer_adjustments', 'protection_fund', 'refund',
        ],
        'columns': ['order_item_id', 'invoice_id', 'sale_amount', 'refund', 'quantity'],
    },
    'mp_fee_rebate': {'reference_id': 'order_item_id', 'columns': ['order_item_id']},
    'non_order_spf': {'reference_id': 'claim_id'},
    'storage_recall': {
        'reference_id': 'coalesce(recall_id, listing_id)',
        'parts': ['marketplace_fees', 'gst_on_storage_recall_fees'],
    },
    'ads': {
        'reference_id': 'campaign_transaction_id',
        'parts': ['wallet_redeem', 'wallet_redeem_reversal', 'wallet_topup', 'wallet_refund', 'gst_on_ads_fees'],
    },
    'tcs_recovery': {'reference_id': 'transaction_id', 'payment_date': none},
    'tds': {'reference_id': 'id'},
} -%}
{%- for service in services -%}
    {%- do sheets.update({service: {
        'reference_id': 'coalesce(service_order_id, service_name)',
        'parts': ['coalesce(sign(settlement_value) * abs(service_amount + gst_on_service), settlement_value)'],
    }}) -%}
{%- endfor -%}
{%- set only_orders_have = {
    'order_item_id': 'text', 'invoice_id': 'text', 'sale_amount': 'numeric(18, 4)', 'refund': 'numeric(18, 4)',
    'quantity': 'bigint',
} -%}
{%- for sheet, its in sheets.items() %}
{%- if not loop.first %}
union all
{%- endif %}
select
    seller_id,
    '{{ sheet }}' as sheet,
    row_key,
    coalesce(neft_id, 'NA') as neft_id,
    coalesce(is_provisional, false) or {{ flipkart_reports.is_provisional('neft_id') }} as is_provisional,
    {{ its.get('payment_date', 'payment_date') or 'cast(null as date)' }} as payment_date,
    {{ its['reference_id'] }} as reference_id,
    {%- for column, type in only_orders_have.items() %}
    {{ column if column in its.get('columns', []) else 'cast(null as ' ~ type ~ ')' }} as {{ column }},
    {%- endfor %}
    coalesce({{ its.get('settlement_value', 'settlement_value') }}, 0) as settlement_value,
    {% for part in its.get('parts', [its.get('settlement_value', 'settlement_value')]) -%}
    coalesce({{ part }}, 0){% if not loop.last %} + {% endif %}
    {%- endfor %} as parts_value,
    report_from_date,
    report_to_date
from {{ ref('stg_' ~ ledger ~ ('' if sheet == 'orders' else '_' ~ sheet)) }}
{%- endfor %}
{% endmacro %}
