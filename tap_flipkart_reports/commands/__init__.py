"""The commands of `flipkart-reports`, one module each."""
