"""Preprocessing of a survey in figures: triplets of every class, the steps on one, and the extreme case."""

from pathlib import Path

from stampshift.core.joblog import job_log
from stampshift.figures.preprocessing_figures import extreme_case, preprocessing_steps
from stampshift.figures.stamp_figures import preprocessing_examples
from stampshift.figures.style import save_figure
from stampshift.stamps.file import read_attributes
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.surveys.first_cases import first_cases
from stampshift.surveys.making import first_examples

with job_log(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    preprocessing = Preprocessing.of_settings(params, unlabelled="drop")
    shown = {"survey": snakemake.wildcards.survey, "invalid": preprocessing.invalid}
    archive = {
        "survey": snakemake.wildcards.survey,
        "reader": params.reader,
        "options": params.options,
        "preprocessing": preprocessing,
    }
    paths = [Path(path) for path in params.archive]
    triplets, block = first_examples(paths, per_class=params.per_class, **archive)
    cases = first_cases(paths, counts=read_attributes(snakemake.input.stamps)["counts"], **archive)
    for figure, files in (
        (preprocessing_examples(triplets, block, **shown), output.examples),
        (preprocessing_steps(cases, **shown), output.steps),
        (extreme_case(cases, **shown), output.extreme),
    ):
        save_figure(figure, files, simulated=params.simulated)
