"""What a machine takes for the parts of an experiment.

Seconds are of the processor, so that other programs on the machine do not count; those of trainings on a GPU
are of the clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Start:
    """A job's process before it does anything: Python, its imports, its first use of them.

    Attributes
    ----------
    seconds
        Of the process.
    megabytes
        Peak resident memory, in 10^6 bytes.
    """

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class TrainingRate:
    """Speed of one recipe of training: of a method and its network.

    Attributes
    ----------
    first_step_seconds
        What the first steps take beyond the later ones: most of it once in a process, in its first recipe.
    seconds_per_stamp
        Per labelled stamp trained on, whatever else a step takes; on a GPU a run's share of a stack's.
    seconds_per_scored
        Per stamp scored, for validation and test.
    megabytes
        Peak resident memory of the process, its stamps included.
    model_bytes
        Size of the model's file.
    free_share
        Processor time over clock time; 1 on a GPU.
    """

    first_step_seconds: float
    seconds_per_stamp: float
    seconds_per_scored: float
    megabytes: float
    model_bytes: int
    free_share: float


@dataclass(frozen=True)
class ArchiveRate:
    """Speed of one survey's simulator and reader, from a small simulated archive in the survey's format.

    Attributes
    ----------
    seconds_per_drawn
        Per candidate drawn by the simulator.
    seconds_per_read
        Per candidate read and preprocessed.
    bytes_per_stamp
        Of the raw archive.
    """

    seconds_per_drawn: float
    seconds_per_read: float
    bytes_per_stamp: float


@dataclass(frozen=True)
class Calibration:
    """All that was measured.

    Attributes
    ----------
    processes
        Processes that were measured side by side, so that what they share is shared.
    free_share
        Processor time over clock time of the trainings' processes: 1 on free cores, less where other programs
        take theirs.
    device
        ``"cpu"`` or ``"cuda"``.
    device_name
        Of the GPU, or ``"cpu"``.
    starts
        By kind of job: ``table``, ``figure``, ``data``, ``simulation``, ``training``.
    trainings
        By recipe: see `stampshift.planning.trainings.Recipe.name`.
    archives
        By survey.
    dag_seconds
        Of Snakemake before its first job.
    seconds
        That the calibration took, of the clock.
    """

    processes: int
    free_share: float
    device: str
    device_name: str
    starts: Mapping[str, Start]
    trainings: Mapping[str, TrainingRate]
    archives: Mapping[str, ArchiveRate]
    dag_seconds: float
    seconds: float
