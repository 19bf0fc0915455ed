"""From journals (what each process wrote down) to one history table with a versioned schema."""
