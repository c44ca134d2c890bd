{{ flipkart_reports.payout_lines('financial_year_ledger') }}
