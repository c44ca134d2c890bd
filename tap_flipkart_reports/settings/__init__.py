"""The operator's configuration, read into one frozen value before any call."""
