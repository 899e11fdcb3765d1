"""Runs Weir and its peers side by side and measures them."""
