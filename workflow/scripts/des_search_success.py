"""Success of the search for mislabelled stamps on planted flips."""

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.label_figures import causes_figure, review_figure
from stampshift.des_study.models import read_labels
from stampshift.des_study.search_success import review_queue, search_success, search_table
from stampshift.figures.style import save_figure
from stampshift.tables.writing import write_csv, write_table

with job_log(snakemake.log[0]):
    output, simulated = snakemake.output, snakemake.params.simulated
    candidates, labels = read_table(snakemake.input.candidates), read_labels(snakemake.input.labels)
    numbers = search_success(candidates, labels=labels)
    write_table(search_table(numbers), output.table, simulated=simulated)
    save_figure(causes_figure(numbers), output.causes_figure, simulated=simulated)
    queue = review_queue(candidates, labels=labels)
    write_csv(queue, output.queue)
    save_figure(review_figure(queue), output.figure, simulated=simulated)
