"""Keeping a result that no domain owns by itself."""

from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.people.rules import Actor
from tongchou.core.runs.models import Run


@action("alarm.propose")
def keep_run(*, run: Run, entry: str, place_path: str, by: Actor, at: datetime) -> Run:
    """Keep one scientific result with what made it; `entry` is the word under which the log lists it."""
    run.save()
    record(entry, run, place_path=place_path, detail={"run": run.pk, "input": run.input_digest, "about": run.seed})
    return run
