"""Finished runs, kept by a digest of all that decides their result.

Snakemake deletes a job's outputs before it runs the job again. The store is what makes a longer list of
seeds train the new ones only, a killed cohort go on where it was, and the entropy weight's search serve the
run that it chose. A record is never stale: any change of code, data or options changes its name. Nor is a
damaged one served: it carries the digests of its files, and its run is trained again. The folder may be
deleted at any time, at the price of training again.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stampshift.core.errors import ContractError
from stampshift.core.files import rename_durably
from stampshift.core.folders import atomic_folder
from stampshift.core.locks import locked
from stampshift.training.model import load_tensors, save_tensors
from stampshift.training.run_folder import check_run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Store:
    """A folder of finished runs and of checkpoints of running ones."""

    folder: Path

    def record(self, key: str) -> Path:
        """Folder of a finished run."""
        return self.folder / key[:2] / key

    def has(self, key: str) -> bool:
        """Whether the run is finished, and all its files are as they were written."""
        record = self.record(key)
        if not record.is_dir():
            return False
        try:
            check_run(record)
        except ContractError as error:
            log.warning("%s This finished run is not used.", error)
            return False
        return True

    @contextmanager
    def locked(self, names: Mapping[str, str]) -> Iterator[None]:
        """Keep other processes from training these runs (names by key) within the block, or `LockedError`."""
        with ExitStack() as held:
            for key, name in names.items():
                held.enter_context(locked(self.record(key).with_suffix(".lock"), name=name))
            yield

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Folder for a finished run's files; at the end it is renamed, and the checkpoint goes."""
        record = self.record(key)
        try:
            with atomic_folder(record) as temporary:
                yield temporary
                if not self.has(key):  # a damaged file of the record may have been deleted
                    shutil.rmtree(record, ignore_errors=True)
        except OSError:  # a second process finished the same run, with the same bytes
            if not self.has(key):
                raise
        self._checkpoint(key).unlink(missing_ok=True)

    def save_checkpoint(self, key: str, content: Mapping[str, Any]) -> None:
        """Keep the state of a running training."""
        save_tensors(self._checkpoint(key), dict(content))

    def load_checkpoint(self, key: str) -> dict[str, Any] | None:
        """State of a training that was interrupted; None if there is none, or it is damaged.

        A damaged one costs time, never a result: it is set aside with a warning in the log.
        """
        path = self._checkpoint(key)
        if not path.exists():
            return None
        try:
            return load_tensors(path)
        except ContractError as error:
            aside = path.with_suffix(".damaged-checkpoint")
            rename_durably(path, aside)
            log.warning("%s The training starts from its beginning; the file is now %s.", error, aside)
            return None

    def _checkpoint(self, key: str) -> Path:
        return self.record(key).with_suffix(".checkpoint")
