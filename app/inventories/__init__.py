"""Inventories: what an account and region hold."""
