include: "workflow/Snakefile"


# a default target set in an included file does not count
workflow.default_target = "all"
