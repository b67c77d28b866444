"""Several runs trained as one model on a GPU; each ends as if it had been alone."""
