"""Archives from their addresses: resumed, retried, checked, and renamed only once complete."""
