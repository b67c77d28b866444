import subprocess
import sys

import pytest
import torch
from torch import nn

from stampshift.training.optimisers import build_optimiser

TRAINING = {"learning_rate": 0.01, "halve_every_iterations": None, "batch_size": 10}
SGD = {**TRAINING, "optimiser": "sgd", "momentum": 0.9}
ADAM = {**TRAINING, "optimiser": "adam", "momentum": None}


def descended(optimiser, weights):
    """Weights after five steps, the last two from the state of the first three."""
    for step in range(5):
        if step == 3:
            optimiser.load_state_dict(optimiser.state_dict())
        optimiser.zero_grad()
        (weights**2 * torch.arange(1.0, 5.0)).sum().backward()
        optimiser.step()
    return weights.detach()


@pytest.mark.parametrize("training", [SGD, ADAM], ids=["sgd", "adam"])
def test_optimisers_take_the_steps_of_torch(training):
    ours, theirs = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))
    if training is ADAM:
        expected = torch.optim.Adam([theirs], lr=0.01)
    else:
        expected = torch.optim.SGD([theirs], lr=0.01, momentum=0.9)
    assert torch.equal(descended(build_optimiser([ours], training), ours), descended(expected, theirs))
    assert not torch.equal(ours, torch.ones(4))


@pytest.mark.parametrize("training", [SGD, ADAM], ids=["sgd", "adam"])
def test_a_training_imports_neither_torchs_compiler_nor_a_statistics_library(training):
    code = f"""
import sys
import torch
import stampshift.training.jobs
from stampshift.planning.calibrate import trainer_of
from stampshift.planning.planned_trainings import Recipe
options = {{"entropy_weight": 0.1, "labelled": ["source", "target"], "steps": "one", "temperature": 0.05}}
options |= {{"head": "random", "epoch": "together"}}
recipe = Recipe("mme", "mme", "bolivar", 21, options, {training})
trainer = trainer_of(recipe, torch.device("cpu"), batches=1)
trainer.run_epoch()
trainer.resume(trainer.checkpoint())
trainer.run_epoch()
print(*{{"torch._dynamo", "sklearn", "scipy", "matplotlib"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
