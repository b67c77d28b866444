"""What a test needs to see of a survey's reader."""

import pytest

from stampshift.surveys import READERS, Reader


@pytest.fixture
def decoded_by_atlas(monkeypatch) -> list[str]:
    """Identifiers of the triplets that ATLAS' reader decodes from here on, in their order."""
    make, decoded = READERS["atlas"], []

    def observed(options, invalid):
        reader = make(options, invalid)

        def decode(unit):
            for triplet in reader.decode(unit):
                decoded.append(triplet.identifier)
                yield triplet

        return Reader(reader.files, reader.units, decode)

    monkeypatch.setitem(READERS, "atlas", observed)
    return decoded
