"""What the machine and the process look like from outside."""
