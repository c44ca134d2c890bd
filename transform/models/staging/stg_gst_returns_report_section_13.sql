{{ flipkart_reports.staged(
    'gst_returns_report_section_13',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'gstin': 'text',
        'invoice_series_from': 'text',
        'invoice_series_to': 'text',
        'total_number_of_invoices': 'bigint',
        'cancelled_if_any': 'bigint',
        'net_invoices_issued': 'bigint',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
