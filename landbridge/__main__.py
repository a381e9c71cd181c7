"""`python -m landbridge`: the same as the console script."""

from landbridge.cli import main

main()
