"""Snakemake that asks for the states of its SLURM jobs every second.

The plugin's pauses grow by 10 s: right for a real cluster and its long jobs, most of the time of a test.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def one_second(executor: RemoteExecutor) -> None:
    await asyncio.sleep(1)


if __name__ == "__main__":
    RemoteExecutor.sleep = one_second
    main(sys.argv[1:])
