from dataclasses import dataclass, field

import pytest

from stampshift.core.errors import ContractError
from stampshift.core.shapes import check_shape


@dataclass
class Inner:
    count: int


@dataclass
class Outer:
    name: str
    inner: dict[str, Inner]
    limit: float = 1.0
    more: list[str] = field(default_factory=list)


def test_content_of_the_shape_passes_with_more_beside_it():
    check_shape(
        {"name": "a", "inner": {"x": {"count": 1}}, "limit": 2, "other": None}, Outer, path="f", remedy=""
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"inner": {}}, r"f\.json: lacks name\. Make it again"),
        ({"name": 1, "inner": {}}, "expected a valid string as name, found 1"),
        ({"name": "a", "inner": {"x": {"count": "1"}}}, "valid integer as inner.x.count, found '1'"),
        ({"name": "a", "inner": {"x": {"count": True}}}, "valid integer as inner.x.count, found True"),
        ({"name": "a", "inner": {}, "more": None}, "as more, found None"),
        ([], "as it, found"),
        ({"name": "caf\udce9", "inner": {}}, "f.json: expected"),
    ],
)
def test_the_first_value_of_another_shape_is_named(content, message):
    with pytest.raises(ContractError, match=message):
        check_shape(content, Outer, path="f.json", remedy="Make it again.")
