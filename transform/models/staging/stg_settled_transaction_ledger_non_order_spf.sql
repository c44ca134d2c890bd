{{ flipkart_reports.staged(
    'settled_transaction_ledger_non_order_spf',
    key=['seller_id', '_row_hash', '_row_ordinal'],
    read_as_one=[],
    columns={
        'seller_id': 'text',
        'neft_id': 'text',
        'payment_date': 'date',
        'settlement_value': 'numeric(18, 4)',
        'claim_id': 'text',
        'protection_reason': 'text',
        'seller_sku': 'text',
        'fsn': 'text',
        'selling_price': 'numeric(18, 4)',
        'warehouse_id': 'text',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        'is_provisional': 'boolean',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
