-- Stock by warehouse, product and day: what moved (stock ledger), and what lay there (snapshots of the inventory).
select
    seller_id,
    'stock_ledger' as source,
    row_key,
    warehouse_id,
    {{ flipkart_reports.day_in('stock_day') }} as day,
    product_sku as sku,
    product_fsn as fsn,
    {{ flipkart_reports.units_in('opening_units') }} as opening_units,
    {{ flipkart_reports.units_in('inward_units') }} as inward_units,
    {{ flipkart_reports.units_in('outward_units') }} as outward_units,
    {{ flipkart_reports.units_in('closing_units') }} as closing_units,
    cast(null as bigint) as live_units,
    cast(null as bigint) as reserved_units,
    cast(null as bigint) as unsellable_units,
    cast(null as bigint) as arriving_units
from {{ ref('stg_stock_ledger') }}
union all
select
    seller_id,
    'current_inventory_report' as source,
    row_key,
    warehouse_id,
    snapshot_date as day,
    sku,
    fsn,
    cast(null as bigint) as opening_units,
    cast(null as bigint) as inward_units,
    cast(null as bigint) as outward_units,
    cast(null as bigint) as closing_units,
    coalesce(live_on_website, 0) as live_units,
    coalesce(reserved_for_orders_and_recalls, 0) + coalesce(reserved_for_internal_processing, 0)
        + coalesce(orders_to_dispatch, 0) + coalesce(recalls_to_dispatch, 0) as reserved_units,
    coalesce(damaged, 0) + coalesce(qc_reject, 0) + coalesce(catalog_reject, 0) + coalesce(returns_reject, 0)
        + coalesce(seller_return_reject, 0) + coalesce(miscellaneous, 0) as unsellable_units,
    coalesce(b2b_scheduled, 0) + coalesce(transfers_scheduled, 0) + coalesce(b2b_shipped, 0)
        + coalesce(transfers_shipped, 0) + coalesce(b2b_receiving, 0) + coalesce(transfers_receiving, 0)
        + coalesce(returns_processing, 0) as arriving_units
from {{ ref('stg_current_inventory_report') }}
