"""Every scientific result with what made it, so that a figure on a page can be recomputed."""

from django.db import models


class Run(models.Model):
    """One call of a scientific function: which, in which version, on what, with which outcome."""

    function = models.CharField(max_length=120)
    version = models.CharField(max_length=24)
    parameters = models.JSONField()
    seed = models.CharField(max_length=64, blank=True)
    input_digest = models.CharField(max_length=64)
    as_known_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    result = models.JSONField()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["function", "input_digest"], name="run_function_input")]
