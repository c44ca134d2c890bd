{# The columns tell every row from every other, and none of them is null. #}
{% test unique_grain(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows_of_it
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
