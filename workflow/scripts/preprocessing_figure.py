"""Triplets of every class of a survey, as published and preprocessed."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.figures.stamp_figures import preprocessing_examples
from stampshift.figures.style import save_figure
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.making import first_examples

with job_log(snakemake.log[0]):
    survey = snakemake.wildcards.survey
    preprocessing = Preprocessing(
        size_pixels=snakemake.params.size_pixels,
        normalisation=snakemake.params.normalisation,
        invalid=InvalidPixels(**snakemake.params.invalid),
        classes=snakemake.params.classes,
        unlabelled="drop",
    )
    triplets, block = first_examples(
        [Path(path) for path in snakemake.params.archive],
        survey=survey,
        reader=snakemake.params.reader,
        options=snakemake.params.options,
        preprocessing=preprocessing,
        per_class=snakemake.params.per_class,
    )
    figure = preprocessing_examples(triplets, block, invalid=preprocessing.invalid, survey=survey)
    save_figure(figure, snakemake.output, simulated=snakemake.params.simulated)
