"""The manners all endpoints share: errors, transactions, idempotency, lists, waiting."""
