"""What tests stand on: a moved world in this process, and time that passes only when all wait."""
