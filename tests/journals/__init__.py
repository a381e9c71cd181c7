"""Jobs that an earlier release planned and began, recorded, and carried on by this one."""
