"""Table of the parameters of the second study's networks and of the time of their trainings."""

from pathlib import Path

import pandas as pd

from stampshift.core.joblog import job_log
from stampshift.des_study.network_costs import network_costs, network_costs_table
from stampshift.tables.capacity import NEEDED
from stampshift.tables.writing import write_table
from stampshift.training.run_folder import read_metrics

with job_log(snakemake.log[0]):
    files, simulated = snakemake.input, snakemake.params.simulated
    metrics = {
        split: [read_metrics(Path(path).parent, needed=NEEDED) for path in files[split]]
        for split in ("first", "second")
    }
    numbers = network_costs(metrics, published=pd.read_csv(files.published), simulated=simulated)
    write_table(network_costs_table(numbers), snakemake.output, simulated=simulated)
