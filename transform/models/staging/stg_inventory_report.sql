{{ flipkart_reports.staged(
    'inventory_report',
    key=['seller_id', 'warehouse_id', 'snapshot_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'warehouse_id', 'snapshot_date'],
    columns={
        'seller_id': 'text',
        'warehouse_id': 'text',
        'snapshot_date': 'date',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
