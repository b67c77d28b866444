"""A step of ALeRCE's pipeline, for `apf.core.step.GenericStep` (https://github.com/alercebroker/pipeline)."""

from collections.abc import Hashable, Sequence
from typing import Any

from stampshift.brokers.packets import alerts_of_packets
from stampshift.release.released import load
from stampshift.scoring.units import score_alerts

COLUMNS = ("survey", "id", "object", "ra", "dec", "mjd", "score", "distance", "flag")


def step_class(base: type) -> type:
    """Subclass of `GenericStep` whose `execute` turns packets into messages with a score.

    The configuration names the model: ``{"MODEL_CONFIG": {"PARAMS": {"model": "rubin-model"}}}``. A message
    has ``probabilities`` of real and bogus, None where there is no score, and what `COLUMNS` names.
    """

    class StampshiftStep(base):
        """Real/bogus scores of decoded packets."""

        def __init__(self, config: dict[str, Any], **options: Any) -> None:
            super().__init__(config=config, **options)
            self.model = load(config["MODEL_CONFIG"]["PARAMS"]["model"])

        def execute(self, messages: Sequence[dict[str, Any]]) -> list[dict[Hashable, Any]]:
            """One message for each packet, in order."""
            scores = score_alerts(self.model, alerts_of_packets(messages))
            rows = scores[list(COLUMNS)].astype(object).where(scores[list(COLUMNS)].notna(), None)
            rows["probabilities"] = rows["score"].map(_probabilities)
            return rows.to_dict("records")

    return StampshiftStep


def _probabilities(score: float | None) -> dict[str, float] | None:
    return None if score is None else {"real": float(score), "bogus": 1 - float(score)}
