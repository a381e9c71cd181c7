"""Tokens: who may call the API, and as what."""
