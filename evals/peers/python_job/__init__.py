"""The same work in a Python consumer, for comparison."""
