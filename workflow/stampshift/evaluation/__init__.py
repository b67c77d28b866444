"""From predictions to numbers: metrics, the long table of runs, tables, the summary. No torch."""
