"""One file for each version, oldest first."""
