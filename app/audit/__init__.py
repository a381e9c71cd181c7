"""The audit trail: who asked, what was called, what came back; append-only and chained by hashes."""
