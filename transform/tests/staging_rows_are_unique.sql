-- Made from the streams' schemas by tests/support/staging_models.py
select 'gst_returns_report' as stream, row_key from {{ ref('stg_gst_returns_report') }}
group by row_key having count(*) > 1
union all
select 'gst_returns_report_section_7b2' as stream, row_key from {{ ref('stg_gst_returns_report_section_7b2') }}
group by row_key having count(*) > 1
union all
select 'gst_returns_report_section_12' as stream, row_key from {{ ref('stg_gst_returns_report_section_12') }}
group by row_key having count(*) > 1
union all
select 'gst_returns_report_section_13' as stream, row_key from {{ ref('stg_gst_returns_report_section_13') }}
group by row_key having count(*) > 1
union all
select 'gst_returns_report_section_5b' as stream, row_key from {{ ref('stg_gst_returns_report_section_5b') }}
group by row_key having count(*) > 1
union all
select 'gst_returns_report_gstr8_section_3' as stream, row_key from {{ ref('stg_gst_returns_report_gstr8_section_3') }}
group by row_key having count(*) > 1
union all
select 'gst_returns_report_section_10a1' as stream, row_key from {{ ref('stg_gst_returns_report_section_10a1') }}
group by row_key having count(*) > 1
union all
select 'gst_returns_report_section_10b1' as stream, row_key from {{ ref('stg_gst_returns_report_section_10b1') }}
group by row_key having count(*) > 1
union all
select 'sales_ledger' as stream, row_key from {{ ref('stg_sales_ledger') }}
group by row_key having count(*) > 1
union all
select 'sales_ledger_cash_back' as stream, row_key from {{ ref('stg_sales_ledger_cash_back') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger' as stream, row_key from {{ ref('stg_settled_transaction_ledger') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_mp_fee_rebate' as stream, row_key from {{ ref('stg_settled_transaction_ledger_mp_fee_rebate') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_non_order_spf' as stream, row_key from {{ ref('stg_settled_transaction_ledger_non_order_spf') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_storage_recall' as stream, row_key from {{ ref('stg_settled_transaction_ledger_storage_recall') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_value_added_services' as stream, row_key from {{ ref('stg_settled_transaction_ledger_value_added_services') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_support_services' as stream, row_key from {{ ref('stg_settled_transaction_ledger_support_services') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_review_accelerator_services' as stream, row_key from {{ ref('stg_settled_transaction_ledger_review_accelerator_services') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_insight_subscription_services' as stream, row_key from {{ ref('stg_settled_transaction_ledger_insight_subscription_services') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_fines' as stream, row_key from {{ ref('stg_settled_transaction_ledger_fines') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_google_ads_services' as stream, row_key from {{ ref('stg_settled_transaction_ledger_google_ads_services') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_ads' as stream, row_key from {{ ref('stg_settled_transaction_ledger_ads') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_tcs_recovery' as stream, row_key from {{ ref('stg_settled_transaction_ledger_tcs_recovery') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_tds' as stream, row_key from {{ ref('stg_settled_transaction_ledger_tds') }}
group by row_key having count(*) > 1
union all
select 'settled_transaction_ledger_gst_details' as stream, row_key from {{ ref('stg_settled_transaction_ledger_gst_details') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger' as stream, row_key from {{ ref('stg_financial_year_ledger') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_mp_fee_rebate' as stream, row_key from {{ ref('stg_financial_year_ledger_mp_fee_rebate') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_non_order_spf' as stream, row_key from {{ ref('stg_financial_year_ledger_non_order_spf') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_storage_recall' as stream, row_key from {{ ref('stg_financial_year_ledger_storage_recall') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_value_added_services' as stream, row_key from {{ ref('stg_financial_year_ledger_value_added_services') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_support_services' as stream, row_key from {{ ref('stg_financial_year_ledger_support_services') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_review_accelerator_services' as stream, row_key from {{ ref('stg_financial_year_ledger_review_accelerator_services') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_insight_subscription_services' as stream, row_key from {{ ref('stg_financial_year_ledger_insight_subscription_services') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_fines' as stream, row_key from {{ ref('stg_financial_year_ledger_fines') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_google_ads_services' as stream, row_key from {{ ref('stg_financial_year_ledger_google_ads_services') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_ads' as stream, row_key from {{ ref('stg_financial_year_ledger_ads') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_tcs_recovery' as stream, row_key from {{ ref('stg_financial_year_ledger_tcs_recovery') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_tds' as stream, row_key from {{ ref('stg_financial_year_ledger_tds') }}
group by row_key having count(*) > 1
union all
select 'financial_year_ledger_gst_details' as stream, row_key from {{ ref('stg_financial_year_ledger_gst_details') }}
group by row_key having count(*) > 1
union all
select 'fbf_orders_report' as stream, row_key from {{ ref('stg_fbf_orders_report') }}
group by row_key having count(*) > 1
union all
select 'stranded_inventory_report' as stream, row_key from {{ ref('stg_stranded_inventory_report') }}
group by row_key having count(*) > 1
union all
select 'current_inventory_report' as stream, row_key from {{ ref('stg_current_inventory_report') }}
group by row_key having count(*) > 1
union all
select 'unsellable_inventory_report' as stream, row_key from {{ ref('stg_unsellable_inventory_report') }}
group by row_key having count(*) > 1
union all
select 'returns_report' as stream, row_key from {{ ref('stg_returns_report') }}
group by row_key having count(*) > 1
union all
select 'orders_report' as stream, row_key from {{ ref('stg_orders_report') }}
group by row_key having count(*) > 1
union all
select 'mir_ledger' as stream, row_key from {{ ref('stg_mir_ledger') }}
group by row_key having count(*) > 1
union all
select 'stock_ledger' as stream, row_key from {{ ref('stg_stock_ledger') }}
group by row_key having count(*) > 1
union all
select 'inventory_report' as stream, row_key from {{ ref('stg_inventory_report') }}
group by row_key having count(*) > 1
union all
select 'profit_and_loss' as stream, row_key from {{ ref('stg_profit_and_loss') }}
group by row_key having count(*) > 1
union all
select 'profit_and_loss_orders' as stream, row_key from {{ ref('stg_profit_and_loss_orders') }}
group by row_key having count(*) > 1
