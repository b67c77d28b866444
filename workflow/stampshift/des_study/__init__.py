"""The second study: networks and forests on whole DES stamps (Ayyar et al. 2022)."""
