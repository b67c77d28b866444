"""Train a random forest and score the test part."""

from pathlib import Path

import numpy as np

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.forest import train_forest
from stampshift.stamps.file import Stamps
from stampshift.stamps.label_file import relabelled
from stampshift.stamps.splits import Splits

with job_log(snakemake.log[0]):
    splits = Splits.open(snakemake.input.splits[0])
    record = train_forest(
        relabelled(
            Stamps.verified(snakemake.input.stamps),
            next(map(Path, snakemake.input.labels), None),
            rows=np.concatenate([splits.train, splits.test]),
        ),
        splits,
        read_table(snakemake.input.features),
        name=snakemake.wildcards.forest,
        settings=snakemake.params.settings,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
    )
    record.save(Path(snakemake.output[0]).parent)
