"""Which database holds what: the log of scans may have one of its own."""

from typing import Any

from django.conf import settings
from django.db import models

SCANS = ("gate", "scan")


class ScansApart:
    """Django's router: `gate.Scan` goes to `settings.SCANS_DATABASE`, all else to the default."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return settings.SCANS_DATABASE if (model._meta.app_label, model._meta.model_name) == SCANS else "default"

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        return self.db_for_read(model)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        if (app_label, model_name) == SCANS:
            return db == settings.SCANS_DATABASE
        return db == "default" if settings.SCANS_DATABASE != "default" else None
