"""What the project measures of itself, with the command that repeats each measurement."""
