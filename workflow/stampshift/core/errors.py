"""Errors whose message is meant for the user: what was expected, what was found, what to do."""


class StampshiftError(Exception):
    """Base of all errors that a user can fix; the command line prints them without a traceback."""


class ConfigError(StampshiftError):
    """The configuration asks for something impossible."""


class ArchiveError(StampshiftError):
    """A raw archive is not what its survey's format says."""


class ContractError(StampshiftError):
    """A file of the project (stamps, splits, model, table) breaks its contract."""


class WriteError(StampshiftError):
    """A file cannot be written: the disk is full, or it may not be written to."""
