"""The second study: tables and figures."""
