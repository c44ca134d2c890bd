with payouts as (
    select
        seller_id,
        neft_id,
        bool_or(is_provisional) as is_provisional,
        max(payment_date) as payment_date,
        count(*) as lines,
        {%- for column, sheets in {
            'orders_value': ['orders'],
            'rebates_value': ['mp_fee_rebate'],
            'protection_value': ['non_order_spf'],
            'storage_value': ['storage_recall'],
            'services_value': [
                'value_added_services', 'support_services', 'review_accelerator_services',
                'insight_subscription_services', 'google_ads_services',
            ],
            'fines_value': ['fines'],
            'ads_value': ['ads'],
            'tax_value': ['tcs_recovery', 'tds'],
        }.items() %}
        sum(case when sheet in ('{{ sheets | join("', '") }}') then settlement_value else 0 end) as {{ column }},
        {%- endfor %}
        sum(settlement_value) as settlement_value,
        sum(parts_value) as parts_value
    from {{ ref('int_flipkart__payout_lines') }}
    where not is_paid_since
    group by seller_id, neft_id
),

financial_year as (
    select seller_id, neft_id, sum(settlement_value) as settlement_value
    from {{ ref('int_flipkart__financial_year_lines') }}
    group by seller_id, neft_id
)

select
    payouts.seller_id,
    payouts.neft_id,
    payouts.is_provisional,
    payouts.payment_date,
    {{ flipkart_reports.month_of('payouts.payment_date') }} as payment_month,
    payouts.lines,
    {%- for column in [
        'orders_value', 'rebates_value', 'protection_value', 'storage_value', 'services_value', 'fines_value',
        'ads_value', 'tax_value', 'settlement_value', 'parts_value',
    ] %}
    {{ flipkart_reports.rupees('payouts.' ~ column) }} as {{ column }},
    {%- endfor %}
    {{ flipkart_reports.rupees('payouts.settlement_value - payouts.parts_value') }} as unexplained_value,
    cast(round(financial_year.settlement_value, 2) as numeric(18, 2)) as financial_year_value,
    cast(round(payouts.settlement_value - financial_year.settlement_value, 2) as numeric(18, 2))
        as financial_year_difference
from payouts
left join financial_year
    on payouts.seller_id = financial_year.seller_id and payouts.neft_id = financial_year.neft_id
