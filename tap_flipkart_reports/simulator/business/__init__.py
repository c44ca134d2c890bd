"""A made-up seller's data: orders, and the tables Flipkart makes of them."""
