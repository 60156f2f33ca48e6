"""The stages of a run, each with its entry in `ledger.json` and its section of `metrics.json`.

Every stage can be called again on the same run: it continues, or does nothing if it is complete.
"""
