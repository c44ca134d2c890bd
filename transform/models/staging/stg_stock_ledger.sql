{{ flipkart_reports.staged(
    'stock_ledger',
    key=['seller_id', 'warehouse_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'warehouse_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'warehouse_id': 'text',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    },
    renamed=var('stock_ledger_columns')
) }}
