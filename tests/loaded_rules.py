"""The rules of the workflow as Snakemake reads them, without a job."""

import os
from contextlib import chdir
from functools import cache

from snakemake.api import SnakemakeApi
from snakemake.rules import Rule
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

from tiny_project import ROOT

PUBLISHED = {"methods": {"mme": {"entropy_weight": {"choice": "published"}}}}  # of archives, not simulated


@cache
def loaded_rules() -> dict[str, Rule]:
    """Rules by name, of two configurations that between them switch everything on."""
    before = os.environ.get("PYTHONPATH", "")
    found: dict[str, Rule] = {}
    for profiles, config in ((("des_study", "ablations"), {}), ((), PUBLISHED)):
        files = [ROOT / f"workflow/profiles/{profile}/experiment.yaml" for profile in profiles]
        with chdir(ROOT), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(),
                config_settings=ConfigSettings(configfiles=files, config=config),
                snakefile=ROOT / "Snakefile",
            )
            found |= {rule.name: rule for rule in workflow._workflow.rules}
    os.environ["PYTHONPATH"] = before  # the rules change it
    return found
