"""The only code that touches the network, databases and storage."""
