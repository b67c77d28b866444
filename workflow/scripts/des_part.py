"""What the scripts of the DES study's results share: the models' predictions of test stamps."""

from typing import Any

import pandas as pd

from stampshift.des_study.models import read_test_part
from stampshift.stamps.splits import Splits


def predictions_of(snakemake: Any, files: str = "predictions") -> pd.DataFrame:
    """Predictions of the test part, of all models of a rule."""
    params, test = snakemake.params, Splits.open(snakemake.input.splits).test
    return read_test_part(snakemake.input[files], models=params.models, survey=params.survey, test=test)
