{# Each row has its partner in another model: the same values in these columns. #}
{% test belongs_to(model, columns, to, of_rows='true') %}
select {{ columns | join(', ') }}
from {{ model }} as child
where
    {{ of_rows }}
    and not exists (
        select 1
        from {{ to }} as parent
        where {% for column in columns %}parent.{{ column }} = child.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}
    )
{% endtest %}
