"""Content of JSON, compared with the shape that it should have."""

import json
from pathlib import Path
from typing import Any

from stampshift.core.errors import ContractError


def check_shape(content: Any, shape: Any, *, path: Path | str, remedy: str) -> None:
    """Raise a `ContractError` that names the first value of `content` that does not fit.

    The shape is a type: a dataclass, whose fields without default are needed and beside which others may be,
    or one such as ``dict[str, int]``. No number is taken for a text, or the other way round.
    """
    from pydantic import TypeAdapter, ValidationError  # a fifth of a second, which most jobs need not wait

    try:
        TypeAdapter(shape).validate_json(json.dumps(content), strict=True)
    except ValidationError as caught:
        error = caught.errors(include_url=False)[0]
        place = ".".join(map(str, error["loc"])) or "it"
        rule = error["msg"].removeprefix("Input should be ")
        if error["type"] == "missing":
            raise ContractError(f"{path}: lacks {place}. {remedy}") from caught
        raise ContractError(
            f"{path}: expected {rule} as {place}, found {error['input']!r:.60}. {remedy}"
        ) from caught
