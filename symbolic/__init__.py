"""Equations, derivation, rewrites, matrix form and proof."""
