{%- set units = [
    'opening_units', 'inward_units', 'outward_units', 'closing_units', 'live_units', 'reserved_units',
    'unsellable_units', 'arriving_units',
] -%}
select
    seller_id,
    warehouse_id,
    day,
    count(distinct coalesce(fsn, sku)) as products,
    {%- for name in units %}
    cast(sum({{ name }}) as bigint) as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('int_flipkart__stock_lines') }}
where day is not null
group by seller_id, warehouse_id, day
