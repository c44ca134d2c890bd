{# The answer in a few lines, at the end of a run of this project; quiet where it is a package of another. #}
{% macro print_sellers(results) %}
{%- if execute and project_name == 'flipkart_reports' and flags.WHICH in ['build', 'run'] -%}
    {%- for result in results if result.node.name == 'flipkart__sellers' and result.status == 'success' -%}
        {%- set rows = run_query(
            'select seller_id, sold_amount, returned_amount, settled_amount, outstanding_amount from '
            ~ result.node.relation_name ~ ' order by sold_amount desc, seller_id limit 20'
        ) -%}
        {%- if not rows.rows -%}
            {{ print('No table has a sale or a payout yet.') }}
        {%- else -%}
        {{ print('%-20s %15s %15s %15s %15s' % ('seller', 'sold (Rs.)', 'returned', 'settled', 'outstanding')) }}
        {%- for row in rows.rows -%}
            {{ print('%-20s %15s %15s %15s %15s' % (
                row[0], '{:,.2f}'.format(row[1]), '{:,.2f}'.format(row[2]), '{:,.2f}'.format(row[3]),
                '{:,.2f}'.format(row[4]),
            )) }}
        {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
{%- endif -%}
{% endmacro %}
