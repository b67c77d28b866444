"""The second study: features, forests, the search for mislabelled stamps, corrected labels, votes."""
