"""Run as a program: makes a home in which one alarm waits, by installing the Xujing pack and reading one evening. Its clock starts at 19:00."""

import os
import sys
from datetime import timedelta
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tongchou.settings"
PASSWORD = "tongchou-demo"


def main(pack_folder: str, hours_later: float) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from tongchou.core.packs.loading import load_pack
    from tongchou.core.people.rules import system_actor
    from tongchou.interfaces.clock import set_demo_clock
    from tongchou.workflows.early_warning import screen_morning
    from tongchou.workflows.installation import install_pack

    pack = load_pack(Path(pack_folder))
    now = pack.identity.demo_now
    assert now is not None
    if not hours_later:
        for database in settings.DATABASES:
            call_command("migrate", verbosity=0, database=database)
        evening = now - timedelta(minutes=30)
        install_pack(pack, password=PASSWORD, with_registers=False, known_until=evening, by=system_actor("test"), at=evening)
        seen = screen_morning(evening.date(), evening, by=system_actor("early_warning"), at=evening)
        assert seen.proposed, "the pack's story raises no alarm on its last evening"
    set_demo_clock(now + timedelta(hours=hours_later))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
