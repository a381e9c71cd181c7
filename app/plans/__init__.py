"""Plans: what would happen, for people to read and approve."""
