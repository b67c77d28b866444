"""Errors of the models of a part of the DES study on candidates of high signal-to-noise ratio."""

from des_part import predictions_of

from stampshift.core.files import read_table
from stampshift.core.joblog import job_log
from stampshift.des_study.high_snr import high_snr_errors, high_snr_table, snr_of_rows
from stampshift.des_study.performance import PARTS
from stampshift.stamps.file import Stamps
from stampshift.tables.writing import write_table

with job_log(snakemake.log[0]):
    files, params, part = snakemake.input, snakemake.params, snakemake.wildcards.part
    snr = snr_of_rows(Stamps.open(files.stamps), read_table(files.features))
    numbers = high_snr_errors(predictions_of(snakemake), snr=snr, bounds=params.bounds)
    table = high_snr_table(numbers, title=f"test stamps of the {PARTS[part]}", label=part)
    write_table(table, snakemake.output, simulated=params.simulated)
