"""Each lane's stamps, wherever those of its survey are."""

from dataclasses import replace

import numpy as np
import pytest

from stampshift.training.data import TrainingData
from stampshift.training.stacked.pools import Pools


@pytest.mark.parametrize("on_device", [(), "A", "B", "AB"], ids=lambda names: "".join(names) or "none")
def test_lanes_of_two_surveys_get_their_own_rows(make_tasks, surveys, splits, on_device):
    (task,) = make_tasks("baseline", count=1)
    tasks = [replace(task, data=TrainingData.of_source(surveys[name], splits[name])) for name in "AB"]
    room = {name: len(splits[name].train) + len(splits[name].validation) for name in "AB"}
    needed = {name: count * surveys[name].stamps[:1].nbytes for name, count in room.items()}
    answers = iter([needed[name] if name in on_device else 0 for name in sorted("AB", key=room.get)])
    pools = Pools(tasks, free=lambda _: next(answers))
    of_lanes = "BAB"
    rows = np.stack([splits[name].train[number : number + 6] for number, name in enumerate(of_lanes)])
    given = rows.reshape(3, 2, 3).swapaxes(0, 1)  # (batches, lanes, share)
    found = list(pools.batches([surveys[name].stamps for name in of_lanes], given))
    assert len(found) == 2
    for step, batch in enumerate(found):
        for number, name in enumerate(of_lanes):
            expected = surveys[name].stamps[given[step, number]]
            assert np.array_equal(batch[number].numpy(), np.moveaxis(expected, 1, -1))
