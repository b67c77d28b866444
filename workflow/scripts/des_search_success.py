"""Success of the search for mislabelled stamps on planted flips."""

from stampshift.evaluation.des_study.models import read_labels
from stampshift.evaluation.des_study.search import review_queue, search_success, search_table
from stampshift.evaluation.table_files import write_csv, write_table
from stampshift.figures.des_study.search import review_figure
from stampshift.figures.style import save_figure
from stampshift.files import read_table
from stampshift.joblog import job_log

with job_log(snakemake.log[0]):
    candidates, labels = read_table(snakemake.input.candidates), read_labels(snakemake.input.labels)
    simulated = snakemake.params.simulated
    write_table(
        search_table(search_success(candidates, labels=labels), simulated=simulated),
        csv=snakemake.output.csv,
        markdown=snakemake.output.markdown,
        latex=snakemake.output.latex,
    )
    queue = review_queue(candidates, labels=labels)
    write_csv(queue, snakemake.output.queue)
    save_figure(review_figure(queue, simulated=simulated), [snakemake.output.pdf, snakemake.output.png])
