"""Singer tap for Flipkart's Report Management API."""

PACKAGE = "tap-flipkart-reports"
"""The name of the distribution, the tap, its loggers and its folders."""
