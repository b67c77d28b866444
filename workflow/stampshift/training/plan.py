"""What one run is made of: its identity, its input files and its options."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from stampshift.config.experiment import Run
from stampshift.core.provenance import code_digest, digest, file_digest
from stampshift.networks import network_module
from stampshift.stamps.file import read_attributes


@dataclass(frozen=True)
class Plan:
    """One run, with everything that decides its result; files are by survey."""

    run: Run
    folder: str  # of its files among the results; it names the run in messages
    method: str  # module of `stampshift.methods`: the run's method, or the one that it is a variant of
    network: str  # key of `stampshift.networks.NETWORKS`
    stamps: Mapping[str, Path]  # of the source and, for an adaptation, of the target
    splits: Mapping[str, Path]  # of the run's seed
    labels: Path | None  # file that replaces the labels of the source's stamps file
    baseline: Path | None  # model file that the training starts from; None for random weights
    options: Mapping[str, Any]  # the method's, with a number as ``entropy_weight`` where it has one
    training: Mapping[str, Any]  # section of the configuration
    validation_shots: int  # target stamps per class that choose the best epoch; 0 for a baseline

    @property
    def surveys(self) -> tuple[str, ...]:
        """The source and, for an adaptation, the target."""
        return (self.run.source,) if self.run.target is None else (self.run.source, self.run.target)

    @property
    def code(self) -> str:
        """Digest of the code that decides the result: the loop's, the method's and the network's."""
        return code_digest(
            "training.execute", "training.device", f"methods.{self.method}", network_module(self.network)
        )

    @property
    def entropy(self) -> int:
        """Seed of the run's random streams, from its identity alone.

        Options such as the entropy weight are no part of it, and a variant has the identity of its method:
        runs that differ in an option only are compared on the same draws, from the same random weights.
        """
        identity = replace(self.run, method=self.method)
        return int.from_bytes(hashlib.sha256(str(identity).encode()).digest()[:16])

    def key(self, device: torch.device) -> str:
        """Digest of everything that decides the result; on a CPU equal keys mean equal bytes."""
        stacked = {"stacked": code_digest("training.stacked.train")} if device.type == "cuda" else {}
        return digest(
            {
                **stacked,
                "run": str(self.run),
                "method": self.method,
                "network": self.network,
                "options": dict(self.options),
                "training": dict(self.training),
                "validation_shots": self.validation_shots,
                "code": self.code,
                "device": device.type,
                "torch": torch.__version__,
                "stamps": [read_attributes(self.stamps[name])["digest"] for name in self.surveys],
                "splits": [file_digest(self.splits[name]) for name in self.surveys],
                "labels": self.labels and file_digest(self.labels),
                "baseline": self.baseline and file_digest(self.baseline),
            }
        )
