"""From pydantic's errors to the one sentence that the user reads: where, what was found, what it means."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import reduce
from operator import getitem
from typing import Any, TypeVar

from pydantic import ValidationError

from stampshift.config.fields import PLACE, ConfigModel
from stampshift.core.errors import ConfigError

Model = TypeVar("Model", bound=ConfigModel)
Node = Mapping[str, Any]  # of a JSON schema
KEY = "[key]"  # pydantic's step to a key instead of its value
WORDING = {
    "valid dictionary.*": "mapping",
    "match pattern": "match the pattern",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    " after validation.*": "",
}


def checked(config: Mapping[str, Any], model: type[Model]) -> Model:
    """A configuration as an instance of a model, or a `ConfigError` of one sentence."""
    try:
        return model.model_validate(dict(config))
    except ValidationError as caught:
        errors = [(_steps(error["loc"], config), error) for error in caught.errors(include_url=False)]
    # the union's branch that got furthest, and an unknown key rather than the key that it was meant to be
    steps = max((steps for steps, _ in errors), key=len)
    found = [error for place, error in errors if place == steps]
    raise ConfigError(f"config: {_sentence(found, steps, config, model.model_json_schema())}")


def _steps(location: Sequence[Any], config: Any) -> list[Any]:
    """Keys and positions that lead to a value, without pydantic's names of the branches of unions."""
    steps = []
    for step in location:
        is_key = isinstance(config, Mapping) and step in config
        if is_key or (isinstance(config, list) and isinstance(step, int)):
            steps.append(step)
            config = config[step]
    return steps


def _sentence(errors: Sequence[Mapping[str, Any]], steps: list[Any], config: Any, schema: Node) -> str:
    """What is wrong at one place; several errors are those of the branches of a union."""
    # a branch that lacks a key, or whose keys contradict each other, got further than one of another type
    further = [error for error in errors if error["type"] in ("missing", "value_error")]
    error = (further or errors)[0]
    found, place = error["input"], ".".join(map(str, steps))
    if error["type"] == "value_error":
        return str(error["ctx"]["error"]).replace(PLACE, place)
    parent = ".".join(map(str, steps[:-1]))
    if error["type"] == "extra_forbidden":
        known = [key for node in _levels(steps[:-1], schema)[-1] for key in node.get("properties", ())]
        meant = get_close_matches(str(steps[-1]), known, n=1)
        hint = f"did you mean '{meant[0]}'?" if meant else f"known keys: {', '.join(known) or 'none'}."
        return f"{parent or 'the configuration'} has no key '{steps[-1]}'; {hint}"
    if error["type"] == "missing":
        key = error["loc"][-1]
        return f"{place or 'the configuration'} needs the key '{key}'.{_meaning([*steps, key], schema)}"
    rule = " or ".join(map(_rule, errors))
    if steps and found == steps[-1] != reduce(getitem, steps, config):
        return f"{parent}: the name {found!r} must {rule}.{_meaning([*steps[:-1], KEY], schema)}"
    return f"{place} must {rule}, found {found!r}.{_meaning(steps, schema)}"


def _rule(error: Mapping[str, Any]) -> str:
    """What pydantic says of how a value should be."""
    rule: str = error["msg"].partition(" should ")[2]
    for pattern, words in WORDING.items():
        rule = re.sub(pattern, words, rule)
    return rule


def _meaning(steps: Sequence[Any], schema: Node) -> str:
    """The nearest description on the way to a value."""
    for level in reversed(_levels(steps, schema)[1:]):
        for node in level:
            if "description" in node:
                return f" Meaning: {node['description']}"
    return ""


def _levels(steps: Sequence[Any], schema: Node) -> list[list[Node]]:
    """What a schema says of each value on the way to one, the first being the whole."""
    levels = [[schema]]
    for step in steps:
        children = [_child(node, step) for node in levels[-1]]
        levels.append([each for child in children for each in _alternatives(child, schema["$defs"])])
    return levels


def _child(node: Node, step: Any) -> Node:
    if step == KEY:
        return node.get("propertyNames", {})
    if isinstance(step, int) and "items" in node:
        return node["items"]
    (others,) = node.get("patternProperties", {"": node.get("additionalProperties")}).values()
    return node.get("properties", {}).get(step) or others or {}


def _alternatives(node: Node, definitions: Node) -> Iterator[Node]:
    yield node
    if "$ref" in node:
        yield from _alternatives(definitions[node["$ref"].rpartition("/")[2]], definitions)
    for branch in node.get("anyOf", ()):
        yield from _alternatives(branch, definitions)
