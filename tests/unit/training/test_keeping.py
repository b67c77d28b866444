from typing import get_args

import pytest

from stampshift.cli.adapting_commands import Keep
from stampshift.config.fields import Training
from stampshift.training.keeping import RULES, kept_epochs


@pytest.mark.parametrize(
    ("accuracies", "losses", "expected"),
    [
        ([0.7], [0.4], (1, 1, 1, 1)),
        ([0.5, 0.9, 0.8, 0.9, 0.7], [0.9, 0.3, 0.2, 0.4, 0.2], (2, 4, 3, 5)),  # the first of equal losses
        ([1.0, 1.0, 1.0], [0.3, 0.2, 0.1], (1, 3, 3, 3)),  # a saturated validation
    ],
)
def test_the_epoch_that_each_rule_keeps(accuracies, losses, expected):
    names = ("first_best", "last_best", "lowest_validation_loss", "last")
    assert kept_epochs(accuracies, losses) == dict(zip(names, expected, strict=True))


def test_the_configuration_and_the_command_line_know_every_rule():
    assert get_args(Training.model_fields["keep"].annotation) == tuple(RULES)
    assert tuple(Keep) == tuple(RULES)
