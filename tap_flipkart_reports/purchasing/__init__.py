"""Buying each report once; neither network nor database."""
