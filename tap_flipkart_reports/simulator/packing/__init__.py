"""Files as Flipkart packs them: CSV, workbooks, archives."""
