{%- set amounts = ['taxable_value', 'igst', 'cgst', 'sgst'] -%}
with sums as (
    select
        seller_id,
        gstin,
        month,
        state,
        is_intra_state,
        gst_rate,
        {%- for amount in amounts %}
        sum(case when section = 'sales_ledger' then {{ amount }} else 0 end) as ledger_{{ amount }},
        sum(case when section = 'sales_ledger' or is_amendment then 0 else {{ amount }} end) as returns_{{ amount }},
        {%- endfor %}
        sum(case when is_business then taxable_value else 0 end) as business_taxable_value,
        sum(case when is_business then igst + cgst + sgst else 0 end) as business_gst,
        sum(case when is_amendment then taxable_value else 0 end) as amended_taxable_value,
        sum(case when is_amendment then igst + cgst + sgst else 0 end) as amended_gst
    from {{ ref('int_flipkart__gst_lines') }}
    group by seller_id, gstin, month, state, is_intra_state, gst_rate
),

months as (
    select
        seller_id,
        month,
        bool_or(section <> 'sales_ledger' and not is_amendment) and bool_or(section = 'sales_ledger') as is_in_both
    from {{ ref('int_flipkart__gst_lines') }}
    group by seller_id, month
)

select
    sums.seller_id,
    sums.gstin,
    sums.month,
    sums.state,
    sums.is_intra_state,
    sums.gst_rate,
    months.is_in_both,
    {%- for amount in amounts %}
    {{ flipkart_reports.rupees('sums.ledger_' ~ amount) }} as ledger_{{ amount }},
    {{ flipkart_reports.rupees('sums.returns_' ~ amount) }} as returns_{{ amount }},
    {%- endfor %}
    {{ flipkart_reports.rupees('sums.ledger_taxable_value - sums.returns_taxable_value') }} as taxable_value_difference,
    {{ flipkart_reports.rupees(
        'sums.ledger_igst + sums.ledger_cgst + sums.ledger_sgst'
        ' - sums.returns_igst - sums.returns_cgst - sums.returns_sgst'
    ) }} as gst_difference,
    {{ flipkart_reports.rupees('sums.business_taxable_value') }} as business_taxable_value,
    {{ flipkart_reports.rupees('sums.business_gst') }} as business_gst,
    {{ flipkart_reports.rupees('sums.amended_taxable_value') }} as amended_taxable_value,
    {{ flipkart_reports.rupees('sums.amended_gst') }} as amended_gst
from sums
inner join months
    on sums.seller_id = months.seller_id and sums.month is not distinct from months.month
