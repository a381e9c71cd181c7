"""Jobs: runs of a plan."""
