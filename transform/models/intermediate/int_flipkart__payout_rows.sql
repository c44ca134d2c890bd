{{ config(materialized='view') }}
{{ flipkart_reports.payout_lines('settled_transaction_ledger') }}
