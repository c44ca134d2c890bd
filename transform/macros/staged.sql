{#
  A stream's table as the models read it: typed, the newest version of each row, and with every column that is
  documented. A table or column that the target has not made yet is there and empty, so that all models can be built
  whatever streams are selected.

  table: the stream
  key: its key
  read_as_one: columns whose rows one report holds all of, a window or a natural key, else empty; of these only the rows
    of the newest report count, since no upsert removes what a later report lacks
  columns: types of the documented columns, by name
  renamed: names of columns of text in the table, by the names that the models give them
#}
{% macro staged(table, key, columns, read_as_one=[], renamed={}) %}
{%- set there = flipkart_reports.columns_of(source('flipkart', table)) -%}
{%- set newest_first = flipkart_reports.newest_first(there) -%}
{%- set names = [] -%}
{%- for name in key if name in there -%}{%- do names.append(adapter.quote(name)) -%}{%- endfor -%}
{%- set group = [] -%}
{%- for name in read_as_one if name in there -%}{%- do group.append(adapter.quote(name)) -%}{%- endfor -%}

{%- if there %}
with versions as (
    select
        *,
        row_number() over (partition by {{ names | join(', ') }} order by {{ newest_first | join(', ') }}) as version_
        {%- if group %},
        first_value(report_id) over (
            partition by {{ group | join(', ') }}
            order by {{ 'report_to_date desc, ' if '_row_hash' in key }}{{ newest_first | join(', ') }}
        ) as newest_report_id_
        {%- endif %}
    from {{ source('flipkart', table) }}
    {%- if '_sdc_deleted_at' in there %}
    where _sdc_deleted_at is null
    {%- endif %}
)
{% endif %}
select
    {% if there -%}
    concat_ws('|', {% for name in names %}cast({{ name }} as text){% if not loop.last %}, {% endif %}{% endfor %})
    {%- else -%}
    cast(null as text)
    {%- endif %} as row_key,
    {%- for name, type in columns.items() %}
    {{ flipkart_reports.typed(name, type, there) }} as {{ adapter.quote(name) }},
    {%- endfor %}
    {%- for name, source_name in renamed.items() %}
    {{ flipkart_reports.typed(source_name, 'text', there) }} as {{ adapter.quote(name) }},
    {%- endfor %}
    {%- for name in there if name not in columns and name not in renamed and not name.startswith('_sdc_') %}
    {{ adapter.quote(name) }},
    {%- endfor %}
    {{ flipkart_reports.typed(flipkart_reports.loaded_at(there), 'timestamp', there) }} as loaded_at
{% if there -%}
from versions
where
    version_ = 1
    {%- if group and flipkart_reports.loaded_at(there) %}
    and (
        report_id = newest_report_id_
        {%- if '_row_hash' not in key and '_row_ordinal' in there %}
        -- A row with a blank part in its key has an ordinal made of its cells, and shares the key with rows of any report.
        or _row_ordinal >= 1000000
        {%- endif %}
    )
    {%- endif %}
{%- else -%}
where false
{%- endif %}
{% endmacro %}


{# Types of a table's columns, by name; nothing if there is no such table. #}
{% macro columns_of(relation) %}
{%- set types = {} -%}
{%- if execute -%}
    {%- set found = adapter.get_relation(relation.database, relation.schema, relation.identifier) -%}
    {%- if found -%}
        {%- for column in adapter.get_columns_in_relation(found) -%}
            {%- do types.update({column.name: column.dtype | lower}) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endif -%}
{{ return(types) }}
{% endmacro %}


{# The column that says when a row was loaded; nothing where the target writes none. #}
{% macro loaded_at(there) %}
{%- for name in ['_sdc_extracted_at', '_sdc_batched_at', '_sdc_received_at'] if name in there -%}
    {{ return(name) }}
{%- endfor -%}
{{ return(none) }}
{% endmacro %}


{% macro newest_first(there) %}
{%- set order = ['report_to_date desc', 'report_id desc', 'report_row_number desc'] -%}
{%- set loaded_at = flipkart_reports.loaded_at(there) -%}
{{ return([loaded_at ~ ' desc nulls last'] + order if loaded_at else order) }}
{% endmacro %}


{# A column in the type of the models; null if the table does not have it. Moments become UTC without a zone. #}
{% macro typed(name, type, there) %}
{%- if not name or name not in there -%}
    cast(null as {{ type }})
{%- elif type == 'timestamp' and ('with time zone' in there[name] or there[name] == 'timestamptz') -%}
    cast({{ adapter.quote(name) }} at time zone 'UTC' as timestamp)
{%- else -%}
    cast({{ adapter.quote(name) }} as {{ type }})
{%- endif -%}
{% endmacro %}
