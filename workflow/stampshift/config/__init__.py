"""The configuration as typed objects, checked before the first job. No torch, no table library.

Values stand in `config.yaml` alone; types, bounds, units and meaning in the models of `surveys`, `methods`,
`des_study` and `configuration`. A new key is one line in the model of its section and one in `config.yaml`:

    keep: Count = key("Checkpoints that stay after a training.")

A key may be left out only where its absence has a meaning: `keep: Omittable[Count] = key(...)`. What must
agree with other keys is in `_check` of the smallest model that has them all. Then renew the schema for
editors: `python -m stampshift.config.schema > workflow/schemas/config.schema.json`.

`experiment` has the objects that the rest of the package works with. It imports no model, so that a new key
does not change the code of every training.
"""
