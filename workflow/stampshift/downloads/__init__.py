"""Archives from their addresses: resumed, retried, checked, never half there under their final name."""
