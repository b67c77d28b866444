"""The section `diagnostics`: what is looked into beyond the paper."""

from typing import Annotated

from pydantic import Field

from stampshift.config.fields import ConfigModel, Pairs, Share, Unique, key


class OperatingPoints(ConfigModel):
    """Rates at which the other rate is read off the detection curve."""

    mdr: Unique[Share] = key("Missed-detection rates that may not be exceeded.")
    fpr: Unique[Share] = key("False-positive rates that may not be exceeded.")


class Errors(ConfigModel):
    """Gallery of the worst errors."""

    method: str = key("Method whose errors, with the most shots, are shown for a pair; one of `methods`.")
    per_kind: int = key("Maximum number of false positives, and of missed reals, to show.", ge=1, le=20)


class Diagnostics(ConfigModel):
    """What is looked into beyond the paper, from finished runs, for the fewest and the most shots."""

    enabled: bool = key("Whether diagnostics are made by default, and with the results of a pair.")
    pairs: Pairs = key("Pairs of two surveys to diagnose, `all` for every one of the experiment.")
    operating_points: OperatingPoints
    reliability_bins: int = key("Equal bins of the score, for reliability and calibration.", ge=2, le=100)
    snr_bins: Annotated[int, Field(ge=2, le=50)] | None = key(
        "Bins with equally many test stamps in which recall by signal-to-noise ratio is given, for surveys "
        "whose archive gives the ratio (readers des and hits). null leaves this diagnostic out."
    )
    confidence: Share = key("Confidence level of binomial intervals, as a share.")
    errors: Errors
    features_per_survey: int = key("Test stamps whose features are compared, half real.", ge=20, le=10000)
