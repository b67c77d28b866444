"""Score every candidate of a new survey with the network that was trained further."""

from stampshift.core.files import write_parquet
from stampshift.core.joblog import job_log
from stampshift.des_study.candidate_scores import operating_cutoff, score_candidates
from stampshift.stamps.file import Stamps
from stampshift.stamps.label_file import read_labels
from stampshift.stamps.splits import Splits
from stampshift.training.device import choose_device, set_up_process
from stampshift.training.model import Model

with job_log(snakemake.log[0]):
    files = snakemake.input
    set_up_process()
    stamps = Stamps.verified(files.stamps, unlabelled=True)
    scores = score_candidates(
        stamps,
        Model.open(files.model),
        labels=read_labels(files.labels, stamps),
        splits=Splits.of(stamps, files.splits),
        device=choose_device(snakemake.config["execution"]["device"]),
    )
    cutoff = operating_cutoff(scores, mdr=snakemake.params.mdr)
    write_parquet(snakemake.output[0], scores.assign(passes=scores["score"] > cutoff, cutoff=cutoff))
