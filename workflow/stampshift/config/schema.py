"""The JSON schema of the configuration for editors: ``python -m stampshift.config.schema``."""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from stampshift.config.configuration import Config


def editor_schema() -> str:
    """The schema as text."""
    schema = {"$schema": GenerateJsonSchema.schema_dialect} | _tidy(Config.model_json_schema())
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> Any:
    """A part of the schema without titles, which repeat the keys, and default null, which is no value."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    needless = {"title"} | ({"default"} if node.get("default", "") is None else set())
    return {key: _tidy(value) for key, value in node.items() if key not in needless}


if __name__ == "__main__":
    print(editor_schema(), end="")
