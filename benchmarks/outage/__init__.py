"""Moves the same applications in three orders and sets the outages foretold beside those measured."""
