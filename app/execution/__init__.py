"""Carries a plan out; async, and knows no framework."""
