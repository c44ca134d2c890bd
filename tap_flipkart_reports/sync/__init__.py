"""One run: what it wants, what it talks to, and how a delivered report becomes batches of records."""
