{{ flipkart_reports.staged(
    'gst_returns_report_section_10b1',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'gstin': 'text',
        'aggregate_taxable_value': 'numeric(18, 4)',
        'igst_percent': 'numeric(18, 4)',
        'igst_amount': 'numeric(18, 4)',
        'cess_amount': 'numeric(18, 4)',
        'delivered_state_pos': 'text',
        'delivered_state_code': 'text',
        'amended_period': 'text',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
