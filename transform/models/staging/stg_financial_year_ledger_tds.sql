{{ flipkart_reports.staged(
    'financial_year_ledger_tds',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'neft_id': 'text',
        'payment_date': 'date',
        'settlement_value': 'numeric(18, 4)',
        'id': 'text',
        'claim_date': 'date',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        'is_provisional': 'boolean',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
