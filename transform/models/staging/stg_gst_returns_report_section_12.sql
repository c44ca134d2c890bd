{{ flipkart_reports.staged(
    'gst_returns_report_section_12',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'gstin': 'text',
        'hsn_number': 'text',
        'total_quantity': 'numeric(18, 4)',
        'total_value': 'numeric(18, 4)',
        'total_taxable_value': 'numeric(18, 4)',
        'igst_amount': 'numeric(18, 4)',
        'cgst_amount': 'numeric(18, 4)',
        'sgst_amount': 'numeric(18, 4)',
        'cess': 'numeric(18, 4)',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
