"""Equations as NumPy functions and source text."""
