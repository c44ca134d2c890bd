{{ flipkart_reports.staged(
    'gst_returns_report_gstr8_section_3',
    key=['seller_id', 'report_from_date', '_row_hash', '_row_ordinal'],
    read_as_one=['seller_id', 'report_from_date'],
    columns={
        'seller_id': 'text',
        'gstin': 'text',
        'flipkart_seller_id': 'text',
        'gstin_of_flipkart': 'text',
        'gross_taxable_value': 'numeric(18, 4)',
        'taxable_sales_return_value': 'numeric(18, 4)',
        'net_taxable_value': 'numeric(18, 4)',
        'tcs_percent': 'numeric(18, 4)',
        'tcs_igst_amount': 'numeric(18, 4)',
        'tcs_cgst_amount': 'numeric(18, 4)',
        'tcs_sgst_amount': 'numeric(18, 4)',
        'igst_amount': 'numeric(18, 4)',
        'cgst_amount': 'numeric(18, 4)',
        'sgst_amount': 'numeric(18, 4)',
        'invoice_qty_net': 'bigint',
        'report_id': 'text',
        'report_from_date': 'date',
        'report_to_date': 'date',
        'report_row_number': 'bigint',
        '_row_hash': 'text',
        '_row_ordinal': 'bigint'
    }
) }}
