with documents as (
    select
        seller_id,
        row_key,
        order_item_id,
        order_id,
        buyer_invoice_id,
        buyer_invoice_date,
        event_type,
        event_sub_type,
        upper(event_type) = 'SALE' as is_sale,
        coalesce(final_invoice_amount, buyer_invoice_amount, 0) as amount,
        coalesce(item_quantity, 0) as quantity
    from {{ ref('stg_sales_ledger') }}
),

payments as (
    select *
    from {{ ref('int_flipkart__payout_lines') }}
    where sheet = 'orders' and not is_provisional
),

by_invoice as (
    select
        documents.*,
        exists (
            select 1
            from payments
            where
                payments.seller_id = documents.seller_id
                and payments.order_item_id = documents.order_item_id
                and payments.sale_amount <> 0
                -- A shipment of several products names its invoices in one cell, joined by $.
                and '$' || replace(payments.invoice_id, ' ', '') || '$' like '%$' || documents.buyer_invoice_id || '$%'
        ) as is_invoice_paid,
        exists (
            select 1
            from payments
            where
                payments.seller_id = documents.seller_id
                and payments.order_item_id = documents.order_item_id
                and payments.sale_amount <> 0
        ) as is_item_paid,
        exists (
            select 1
            from payments
            where
                payments.seller_id = documents.seller_id
                and payments.order_item_id = documents.order_item_id
                and payments.refund <> 0
        ) as is_item_taken_back
    from documents
)

select
    seller_id,
    row_key,
    order_item_id,
    order_id,
    buyer_invoice_id,
    buyer_invoice_date,
    event_type,
    event_sub_type,
    is_sale,
    amount,
    quantity,
    case
        when not is_sale then is_item_taken_back
        -- Where payouts name no invoice of the item, a payout for the item pays all of them.
        else is_invoice_paid
            or (is_item_paid and not bool_or(is_sale and is_invoice_paid) over (partition by seller_id, order_item_id))
    end as is_settled
from by_invoice
