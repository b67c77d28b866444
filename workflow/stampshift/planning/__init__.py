"""What an experiment will cost, told before anything is spent."""
