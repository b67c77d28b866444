"""Pairs that the diagnostics look into, from the configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from stampshift.config.experiment import Pair
from stampshift.core.errors import ConfigError

# whose archives give S/N: the keys of surveys.catalogue.SIGNAL_TO_NOISE, named here because that module
# brings all readers with it, and every job reads the configuration
READERS_WITH_SNR = ("des", "hits")


def diagnosed_pairs(
    diagnostics: Mapping[str, Any], *, pairs: Sequence[Pair], methods: Sequence[str]
) -> tuple[Pair, ...]:
    """Pairs to look into; none where the diagnostics are switched off.

    Parameters
    ----------
    diagnostics
        That section of the configuration.
    pairs, methods
        Of the experiment.

    Raises
    ------
    ConfigError
        If a pair or the gallery's method is none of the experiment's.
    """
    if not diagnostics["enabled"]:
        return ()
    method = diagnostics["errors"]["method"]
    if method not in methods:
        raise ConfigError(
            f"config: diagnostics.errors.method is '{method}', which is not among the methods "
            f"{', '.join(methods) or '(none)'}."
        )
    if isinstance(diagnostics["pairs"], str):
        return tuple(pairs)
    known = {str(pair) for pair in pairs}
    for text in diagnostics["pairs"]:
        if text not in known:
            raise ConfigError(
                f"config: diagnostics.pairs: '{text}' is none of the experiment's pairs "
                f"{', '.join(sorted(known))}."
            )
    return tuple(Pair.parse(text) for text in diagnostics["pairs"])


def surveys_with_snr(surveys: Mapping[str, Mapping[str, Any]], *, snr_bins: int | None) -> list[str]:
    """Surveys whose recall is looked at by S/N: those whose archive gives it, none where there are no bins.

    Parameters
    ----------
    surveys
        That section of the configuration.
    snr_bins
        Number of bins, or None where the diagnostic is not wanted.
    """
    if snr_bins is None:
        return []
    return [name for name, section in surveys.items() if section["reader"] in READERS_WITH_SNR]
