{{ flipkart_reports.staged(
    'financial_year_ledger_mp_fee_rebate',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'neft_id': 'text',
        'neft_type': 'text',
        'payment_date': 'date',
        'settlement_value': 'numeric(18, 4)',
        'sku': 'text',
        'order_id': 'text',
        'order_item_id': 'text',
        'order_date': 'date',
        'rebate_processing_date': 'date',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        'is_provisional': 'boolean',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
