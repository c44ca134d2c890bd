{{ flipkart_reports.staged(
    'financial_year_ledger_tcs_recovery',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'settlement_value': 'numeric(18, 4)',
        'neft_id': 'text',
        'settlement_type': 'text',
        'transaction_id': 'text',
        'transaction_date': 'date',
        'recovery_month': 'text',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        'is_provisional': 'boolean',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
