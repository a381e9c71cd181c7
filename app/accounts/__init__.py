"""AWS accounts we hold a role in."""
