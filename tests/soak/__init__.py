"""The long run: real processes, real servers, faults by chance, and every invariant checked after each job."""
