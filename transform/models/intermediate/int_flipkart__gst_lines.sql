{#-
  Taxable values and GST by state and rate, line by line: from the sections of the GST returns, and from the sales ledger.
  Section 7(A)(2) has no state: sales within the state are the seller's own, which the GSTIN begins with.
-#}
{%- set tables = {
    '7A2': {
        'model': 'stg_gst_returns_report',
        'gstin': 'gstin', 'month_day': 'report_from_date', 'state_text': 'cast(null as text)', 'is_intra_state': 'true',
        'gst_rate': 'coalesce(cgst_percent, 0) + coalesce(sgst_ut_percent, 0)',
        'taxable_value': 'aggregate_taxable_value',
        'igst': '0', 'cgst': 'cgst_amount', 'sgst': 'sgst_ut_amount',
    },
    '7B2': {
        'model': 'stg_gst_returns_report_section_7b2',
        'gstin': 'gstin', 'month_day': 'report_from_date', 'state_text': 'delivered_state_pos',
        'is_intra_state': 'false', 'gst_rate': 'igst_percent', 'taxable_value': 'aggregate_taxable_value',
        'igst': 'igst_amount', 'cgst': '0', 'sgst': '0',
    },
    '5B': {
        'model': 'stg_gst_returns_report_section_5b',
        'gstin': 'gstin', 'month_day': 'report_from_date', 'state_text': 'delivered_state_pos',
        'is_intra_state': 'false', 'gst_rate': 'igst_percent', 'taxable_value': 'taxable_value',
        'igst': 'igst_amount', 'cgst': '0', 'sgst': '0',
    },
    '10A1': {
        'model': 'stg_gst_returns_report_section_10a1',
        'gstin': 'gstin', 'month_day': 'report_from_date', 'state_text': 'cast(null as text)', 'is_intra_state': 'true',
        'gst_rate': 'coalesce(cgst_percent, 0) + coalesce(sgst_ut_percent, 0)', 'taxable_value': 'taxable_value',
        'igst': '0', 'cgst': 'cgst_amount', 'sgst': 'sgst_ut_amount', 'amended_period': 'amended_period',
    },
    '10B1': {
        'model': 'stg_gst_returns_report_section_10b1',
        'gstin': 'gstin', 'month_day': 'report_from_date', 'state_text': 'delivered_state_pos',
        'is_intra_state': 'false', 'gst_rate': 'igst_percent', 'taxable_value': 'aggregate_taxable_value',
        'igst': 'igst_amount', 'cgst': '0', 'sgst': '0', 'amended_period': 'amended_period',
    },
    'sales_ledger': {
        'model': 'stg_sales_ledger',
        'gstin': 'seller_gstin', 'month_day': 'buyer_invoice_date', 'state_text': 'customers_delivery_state',
        'is_intra_state': "coalesce(cgst_rate, 0) > 0 or coalesce(sgst_rate, 0) > 0",
        'gst_rate': 'coalesce(igst_rate, 0) + coalesce(cgst_rate, 0) + coalesce(sgst_rate, 0)',
        'taxable_value': 'taxable_value',
        'igst': 'igst_amount', 'cgst': 'cgst_amount', 'sgst': 'sgst_amount',
        'is_business': 'business_gst_number is not null',
    },
} -%}
with lines as (
    {%- for section, its in tables.items() %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select
        seller_id,
        '{{ section }}' as section,
        row_key,
        {{ its.get('amended_period', 'cast(null as text)') }} as amended_period,
        {{ its.get('is_business', 'false') }} as is_business,
        coalesce({{ its['gstin'] }}, 'NA') as gstin,
        {{ flipkart_reports.month_of(its['month_day']) }} as month,
        {{ its['state_text'] }} as state_text,
        {{ its['is_intra_state'] }} as is_intra_state,
        coalesce({{ its['gst_rate'] }}, 0) as gst_rate,
        coalesce({{ its['taxable_value'] }}, 0) as taxable_value,
        coalesce({{ its['igst'] }}, 0) as igst,
        coalesce({{ its['cgst'] }}, 0) as cgst,
        coalesce({{ its['sgst'] }}, 0) as sgst
    from {{ ref(its['model']) }}
    {%- endfor %}
),

own_states as (
    select distinct gst_number, state
    from {{ ref('indian_states') }}
)

select
    lines.seller_id,
    lines.section,
    lines.row_key,
    lines.section in ('10A1', '10B1') as is_amendment,
    lines.amended_period,
    lines.is_business,
    lines.gstin,
    lines.month,
    case
        when lines.is_intra_state then coalesce(own_states.state, states.state, 'unknown')
        else coalesce(states.state, trim(lines.state_text), 'unknown')
    end as state,
    lines.is_intra_state,
    cast(lines.gst_rate as numeric(9, 2)) as gst_rate,
    lines.taxable_value,
    lines.igst,
    lines.cgst,
    lines.sgst
from lines
left join {{ ref('indian_states') }} as states
    on {{ flipkart_reports.state_key('lines.state_text') }} = states.state_key
left join own_states
    on substr(lines.gstin, 1, 2) = own_states.gst_number
