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
    select
        seller_id,
        order_item_id,
        bool_or(sale_amount <> 0) as is_paid,
        bool_or(refund <> 0) as is_taken_back,
        -- A shipment of several products names its invoices in one cell, joined by $.
        string_agg(case when sale_amount <> 0 then '$' || replace(invoice_id, ' ', '') || '$' end, '') as paid_invoices
    from {{ ref('int_flipkart__payout_lines') }}
    where sheet = 'orders' and not is_provisional
    group by seller_id, order_item_id
),

by_invoice as (
    select
        documents.*,
        coalesce(payments.is_paid, false) as is_item_paid,
        coalesce(payments.is_taken_back, false) as is_item_taken_back,
        coalesce(strpos(payments.paid_invoices, '$' || documents.buyer_invoice_id || '$') > 0, false) as is_invoice_paid
    from documents
    left join payments
        on documents.seller_id = payments.seller_id and documents.order_item_id = payments.order_item_id
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
