"""Run as a program on a home: `make PACK` sets up a town with one venue, two entrances, passes and codes; other words act on it or ask. Answers in JSON."""

import json
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "tongchou.settings"


def make(pack_folder: str) -> dict[str, Any]:
    from django.core.management import call_command

    from tongchou.core.packs.loading import load_pack
    from tongchou.core.passes.actions import Application, issue_passes, revoke_pass, rotate_key, trust_key
    from tongchou.core.passes.models import IssuedPass
    from tongchou.core.passes.tokens import Pass, SigningKey, write_pass
    from tongchou.core.people.rules import system_actor
    from tongchou.core.places.models import Place
    from tongchou.core.places.queries import installation
    from tongchou.domains.gate.actions import EntranceSpec, invite_device, open_entrances, publish_entry_rules
    from tongchou.domains.registry.models import Venue
    from tongchou.interfaces.clock import set_demo_clock
    from tongchou.workflows.installation import install_pack

    pack = load_pack(Path(pack_folder))
    now = pack.identity.demo_now
    assert now is not None
    call_command("migrate", verbosity=0)
    by = system_actor("test")
    install_pack(pack, password="tongchou-demo", with_registers=False, known_until=now - timedelta(days=500), by=by, at=now)
    from django.conf import settings as s

    if "scans" in s.DATABASES:
        call_command("migrate", database="scans", verbosity=0)
    set_demo_clock(now)
    town = installation().place
    village = Place.objects.get(code="310118106001")
    venue = Venue.objects.create(code="CS000001", venue_class="market", name="徐泾菜场", near_key="徐泾菜场", place=village, changed_at=now)
    east, west = open_entrances(specs=[EntranceSpec(venue.pk), EntranceSpec(venue.pk)], by=by, at=now)
    for entrance, code in ((east, "code-east"), (west, "code-west"), (east, "code-third")):
        invite_device(entrance, name=code, code=code, by=by, at=now)
    rule = {"venue_classes": ["all"], "from_on": "2022-01-01", "to_on": None, "test_hours": 72, "may_refuse": True, "confidence": "high"}
    said = rule | {"source": {"zh": "上级规定", "en": "ordered from above"}}
    publish_entry_rules(rules=[said], ceilings=[said], classes=["market"], place=town, by=by, at=now)
    rotate_key(town=town, seed=b"\1" * 32, trusted_for=timedelta(days=9), by=by, at=now - timedelta(hours=1))
    foreign, neighbour = SigningKey(b"\2" * 32), SigningKey(b"\3" * 32)
    trust_key(town=town, issuer="310118107", public=neighbour.public, until_at=now + timedelta(days=9), by=by, at=now - timedelta(hours=1))
    tested = {"sampled_at": int(now.timestamp()) - 3600}
    wanted = {"good": tested, "untested": {}, "revoked": tested} | {f"good {n}": tested for n in range(30)}
    applications = [Application(n, facts, timedelta(days=2), village) for n, facts in enumerate(wanted.values(), 1)]
    texts = dict(zip(wanted, issue_passes(issuer=town, applications=applications, by=by, at=now), strict=True))
    revoke_pass(IssuedPass.objects.get(holder=3), reason="遗失 lost", by=by, at=now)
    start = int(now.timestamp())
    good = Pass("310118107", "entry", 9, 9, start, start + 9999, tested)
    texts |= {"neighbour": write_pass(good, neighbour), "stranger": write_pass(replace(good, issuer="440300"), foreign)}
    texts |= {
        "forged": write_pass(replace(good, issuer=town.code), neighbour),
        "expired": write_pass(replace(good, expires_at=start + 1), neighbour),
    }
    return texts


def scans() -> list[list[int]]:
    from tongchou.domains.gate.models import Scan

    return [list(row) for row in Scan.objects.order_by("pk").values_list("device", "seq", "verdict", "told", "flags", "way")]


def revoke(name: str) -> None:
    from tongchou.core.people.rules import system_actor
    from tongchou.domains.gate.actions import revoke_device
    from tongchou.domains.gate.models import Device
    from tongchou.interfaces import clock

    revoke_device(Device.objects.get(name=name), reason="遗失 stolen", by=system_actor("test"), at=clock.now())


def appeals() -> list[list[Any]]:
    from tongchou.domains.gate.models import Appeal

    return [[a.dossier.number, a.seq, a.reason, a.words, a.phone, a.answer, a.dossier.state] for a in Appeal.objects.order_by("pk")]


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps({"make": make, "scans": scans, "revoke": revoke, "appeals": appeals}[sys.argv[1]](*sys.argv[2:])))
