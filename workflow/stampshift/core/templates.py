"""Pages and texts filled from Jinja templates."""

from typing import Any

from jinja2 import Environment, StrictUndefined


def render(template: str, *, html: bool, **values: Any) -> str:
    """Fill a template's text; a name without a value is an error, and HTML escapes its values."""
    environment = Environment(
        autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(**values)
