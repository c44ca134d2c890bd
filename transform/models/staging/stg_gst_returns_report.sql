{{ flipkart_reports.staged(
    'gst_returns_report',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'gstin': 'text',
        'gross_taxable_value': 'numeric(18, 4)',
        'taxable_sales_return_value': 'numeric(18, 4)',
        'aggregate_taxable_value': 'numeric(18, 4)',
        'cgst_percent': 'numeric(18, 4)',
        'cgst_amount': 'numeric(18, 4)',
        'sgst_ut_percent': 'numeric(18, 4)',
        'sgst_ut_amount': 'numeric(18, 4)',
        'cess_percent': 'numeric(18, 4)',
        'cess_amount': 'numeric(18, 4)',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
