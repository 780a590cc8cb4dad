"""Experiments: arms of guidance on the same tasks, what each gains, costs and changes.

Arms are run side by side (`run_arms`) or were run before; `compare` says how they differ,
with exact paired tests, intervals and costs. See docs/compare.md.
"""
