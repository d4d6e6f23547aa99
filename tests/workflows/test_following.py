"""The follow-up of contacts ends by itself, and who must know is told."""

from datetime import date, timedelta

from tests.domains.tracing.investigations import contact_of, opened, with_parameters
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.outbox.models import Notice
from tongchou.core.people.rules import system_actor
from tongchou.domains.tracing.models import Contact
from tongchou.workflows.following import release_due

WORKER = system_actor("worker")


def test_whoever_is_through_is_released_once_and_the_village_and_the_investigator_are_told(small_town: Town) -> None:
    town = with_parameters(small_town)
    case = opened(town)
    done = [contact_of(case, town, person={"name": name}, days=2, last_contact_on=date(2022, 6, 1)) for name in ("甲", "乙")]
    staying = contact_of(case, town, person={"name": "丙"})
    assert release_due(by=WORKER, at=AT + timedelta(days=1)) == []
    Notice.objects.all().delete()
    freed = release_due(by=WORKER, at=AT + timedelta(days=2))
    assert {c.pk for c in freed} == {c.pk for c in done}
    assert sorted((n.user.username, n.text.zh) for n in Notice.objects.select_related("user")) == [
        ("gao", f"{case.dossier.number}：2 名接触者解除随访"),
        ("wu", "徐泾居委会：2 人今天解除随访，请告知本人"),
    ]
    assert list(Contact.objects.filter(ended_at=None)) == [staying]
    assert Entry.objects.filter(action="contact.release").count() == 2
    assert release_due(by=WORKER, at=AT + timedelta(days=2)) == []
    assert Notice.objects.count() == 2
