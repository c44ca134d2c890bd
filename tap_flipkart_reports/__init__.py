"""Singer tap for Flipkart's Report Management API."""
