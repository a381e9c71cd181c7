"""What a role must be allowed for a plan: made from what the plan's own steps declare, and from nothing else."""
