"""Distance of source and target in the features of a pair's models, and the features in two dimensions."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.figures.shift_figures import embedding_figure
from stampshift.figures.style import save_figure
from stampshift.tables.domain_shift import embedding, shift_numbers
from stampshift.tables.writing import write_csv

with job_log(snakemake.log[0]):
    pair = snakemake.wildcards.pair
    features = read_table(snakemake.input.features)
    write_csv(shift_numbers(features, pair=pair), snakemake.output.numbers)
    points = embedding(features)
    write_csv(points, snakemake.output.points)
    figure = embedding_figure(points, pair=pair)
    save_figure(figure, [snakemake.output.pdf, snakemake.output.png], simulated=snakemake.params.simulated)
