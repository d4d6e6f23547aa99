"""Reading the history of files."""

from django.db.models import QuerySet

from tongchou.core.errors import Unseen
from tongchou.core.importing.models import ImportBatch
from tongchou.core.people.queries import within
from tongchou.core.people.rules import Actor


def batches_seen(actor: Actor) -> QuerySet[ImportBatch]:
    """Files brought in where the actor may import, newest first, with place and person; without their lists of problems."""
    return _within_reach(actor).defer("problems", "near")


def batch_seen(actor: Actor, pk: int) -> ImportBatch:
    """One file's batch. Raises Unseen when there is none or it lies elsewhere."""
    found = _within_reach(actor).filter(pk=pk).first()
    if found is None:
        raise Unseen("import")
    return found


def _within_reach(actor: Actor) -> QuerySet[ImportBatch]:
    return ImportBatch.objects.select_related("place", "by").filter(within(actor, "import.write", "place__path"))
