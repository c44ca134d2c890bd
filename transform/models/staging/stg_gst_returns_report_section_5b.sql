{{ flipkart_reports.staged(
    'gst_returns_report_section_5b',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'gstin': 'text',
        'delivered_state_pos': 'text',
        'invoice_number': 'text',
        'invoice_date': 'date',
        'invoice_amount': 'numeric(18, 4)',
        'igst_percent': 'numeric(18, 4)',
        'taxable_value': 'numeric(18, 4)',
        'igst_amount': 'numeric(18, 4)',
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
