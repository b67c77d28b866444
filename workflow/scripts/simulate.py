"""Draw a survey's raw archive with the built-in simulator; with a share, plant wrong labels in it."""

from pathlib import Path

import yaml

from stampshift.core.joblog import job_log
from stampshift.simulation import simulate_survey
from stampshift.simulation.des_archive import plant_flips

if __name__ == "__main__":  # worker processes import this file
    named, folder = snakemake.wildcards, Path(snakemake.output[0])
    with job_log(snakemake.log[0]):
        simulate_survey(
            named.survey,
            stamps=int(named.size),
            seed=int(named.seed),
            constants=yaml.safe_load(Path(snakemake.input.constants).read_text()),
            folder=folder,
            processes=snakemake.threads,
        )
        if named.get("share"):
            plant_flips(folder, survey=named.survey, seed=int(named.seed), share=float(named.share))
