{# A column's sum is the same as that of another model, seller by seller: no join has lost or doubled a row. #}
{% test adds_up_to(model, expression, to, to_expression, of_rows='true', to_rows='true', by='seller_id') %}
with sums as (
    select {{ by }}, sum({{ expression }}) as here, 0 as there
    from {{ model }}
    where {{ of_rows }}
    group by {{ by }}
    union all
    select {{ by }}, 0 as here, sum({{ to_expression }}) as there
    from {{ to }}
    where {{ to_rows }}
    group by {{ by }}
)

select {{ by }}, sum(here) as here, sum(there) as there
from sums
group by {{ by }}
having abs(sum(here) - sum(there)) > 0.01
{% endtest %}
