{# Rupees to the paisa: amounts are added as the files have them, and rounded once. #}
{% macro rupees(expression) %}cast(round(coalesce({{ expression }}, 0), 2) as numeric(18, 2)){% endmacro %}


{# The day in Kolkata of a moment in UTC. #}
{% macro kolkata_day(moment) %}cast({{ moment }} + interval '330 minutes' as date){% endmacro %}


{% macro month_of(day) %}cast(date_trunc('month', {{ day }}) as date){% endmacro %}


{# Whether a NEFT ID stands for a payout that the bank has not made yet; warehouses of older versions do not say it. #}
{% macro is_provisional(neft_id) -%}
coalesce(upper(trim({{ neft_id }})), 'NA') in (
    'NA'{% for word in var('provisional_neft_ids') %}, '{{ word }}'{% endfor %}
)
{%- endmacro %}


{# Whether a text matches a regular expression somewhere. #}
{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches', 'flipkart_reports')(text, pattern)) }}{% endmacro %}

{% macro default__matches(text, pattern) %}{{ text }} ~ '{{ pattern }}'{% endmacro %}

{% macro duckdb__matches(text, pattern) %}regexp_matches({{ text }}, '{{ pattern }}'){% endmacro %}


{# The day in a cell of text: 2026-08-19, or day first with dashes or slashes; null if it is neither. #}
{% macro day_in(text) -%}
case
    when {{ flipkart_reports.matches(text, '^[0-9]{4}-[0-9]{2}-[0-9]{2}') }} then cast(substr({{ text }}, 1, 10) as date)
    when {{ flipkart_reports.matches(text, '^[0-9]{2}[-/][0-9]{2}[-/][0-9]{4}') }}
        then cast(substr({{ text }}, 7, 4) || '-' || substr({{ text }}, 4, 2) || '-' || substr({{ text }}, 1, 2) as date)
end
{%- endmacro %}


{# The whole number in a cell of text; null if it is none. #}
{% macro units_in(text) -%}
case
    when {{ flipkart_reports.matches(text, '^-?[0-9][0-9,]*([.]0*)?$') }}
        then cast(cast(replace({{ text }}, ',', '') as numeric(18, 2)) as bigint)
end
{%- endmacro %}


{# How the name of a state is compared: Jammu & Kashmir and JAMMU AND KASHMIR are one. #}
{% macro state_key(text) -%}
replace(replace(upper(trim({{ text }})), '&', 'AND'), ' ', '')
{%- endmacro %}
