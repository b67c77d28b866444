"""From runs to tables, and to the words of tables and figures. No torch."""
