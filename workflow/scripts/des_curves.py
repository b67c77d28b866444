"""Detection curves and operating points of every model of a part of the DES study."""

import pandas as pd

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.models import test_predictions
from stampshift.des_study.part_figures import detection_figure
from stampshift.des_study.performance import curves
from stampshift.figures.style import save_figure
from stampshift.stamps.splits import Splits
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    lines = curves(
        test_predictions(
            snakemake.input.predictions,
            models=snakemake.params.models,
            survey=snakemake.params.survey,
            test=Splits.open(snakemake.input.splits).test,
        )
    )
    write_csv(lines, snakemake.output.csv)
    figure = detection_figure(
        lines,
        read_table(snakemake.input.performance),
        mdr=snakemake.params.mdr,
        published=next(map(pd.read_csv, snakemake.input.published), None),
        part=snakemake.wildcards.part,
    )
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
