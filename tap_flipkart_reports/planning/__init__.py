"""Which reports a bookmark still owes; pure."""
