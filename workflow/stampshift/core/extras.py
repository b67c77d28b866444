"""Parts of the package whose dependencies are installed on demand."""

# modules by the extra of pyproject.toml that brings them
EXTRAS = {
    "review": ("fastapi", "uvicorn", "statsmodels"),
    "simulate": ("galsim",),
    "stream": ("confluent_kafka",),
    "workflow": ("snakemake", "snakemake_interface_logger_plugins"),
}


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """A sentence on what to install for an import that failed; None if no extra brings that module.

    Examples
    --------
    >>> missing_extra(ModuleNotFoundError(name="uvicorn"))
    'this needs uvicorn, which is not installed: pip install "stampshift[review]"'
    """
    module = (error.name or "").partition(".")[0]
    for extra, modules in EXTRAS.items():
        if module in modules:
            return f'this needs {module}, which is not installed: pip install "stampshift[{extra}]"'
    return None
