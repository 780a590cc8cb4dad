"""cogtrace inside other frameworks; each module needs the framework that it is named after.

* `cogtrace.integrations.inspect_solver`: guidance as a solver of Inspect AI
* `cogtrace.integrations.scout_scanner`: annotation as a scanner of Inspect Scout
* `cogtrace.integrations.dspy_module`: guidance as a module of DSPy
"""
