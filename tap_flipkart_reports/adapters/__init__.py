"""Network, databases and storage: the only code that touches them."""
