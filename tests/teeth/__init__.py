"""Teeth: bugs planted in the engine one at a time, to see that the ordinary tests catch each of them."""
