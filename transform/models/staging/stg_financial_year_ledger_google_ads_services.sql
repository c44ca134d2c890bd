{{ flipkart_reports.staged(
    'financial_year_ledger_google_ads_services',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'neft_id': 'text',
        'payment_date': 'date',
        'settlement_value': 'numeric(18, 4)',
        'service_name': 'text',
        'service_details': 'text',
        'service_order_id': 'text',
        'purchase_date': 'date',
        'total_amount': 'numeric(18, 4)',
        'service_amount': 'numeric(18, 4)',
        'gst_on_service': 'numeric(18, 4)',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        'is_provisional': 'boolean',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
