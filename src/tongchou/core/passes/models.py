"""The town's signing keys, and one row for every pass given out: its place in the status list, its end, whether it still holds."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from tongchou.core.passes.tokens import HIGHEST_HOLDER
from tongchou.core.places.models import Place
from tongchou.core.secrecy import SealedTextField


class IssuerKey(models.Model):
    """A key that signs, or that signed, or whose passes are recognised here although another town signs them (no secret then)."""

    key_id = models.CharField(max_length=16, primary_key=True)  # hexadecimal
    issuer = models.CharField(max_length=32)  # code of the town; a pass that names another under this key is refused
    public = models.BinaryField(max_length=32)
    secret = SealedTextField(null=True)  # seed in hexadecimal; removed once the key no longer signs
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    from_at = models.DateTimeField()
    signs_until_at = models.DateTimeField(null=True)
    trusted_until_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-from_at", "key_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer"], condition=Q(signs_until_at=None, secret__isnull=False), name="issuer_key_one_signing"
            ),
        ]

    @property
    def place_path(self) -> str:
        return self.place.path


class IssuedPass(models.Model):
    """One pass. Its row number is its index over the status lists; neither the token nor its facts are kept."""

    kind = models.CharField(max_length=12)
    holder = models.BigIntegerField()
    key = models.ForeignKey(IssuerKey, on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    suspended_at = models.DateTimeField(null=True)
    suspended_until_at = models.DateTimeField(null=True)  # from then on it holds again, whoever is or is not at work
    reason = models.CharField(max_length=200, blank=True)  # why revoked or suspended

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="issued_pass_ends_after_start"),
            models.CheckConstraint(condition=Q(holder__gt=0) & Q(holder__lte=HIGHEST_HOLDER), name="issued_pass_holder"),
            models.CheckConstraint(
                condition=Q(suspended_at=None, suspended_until_at=None) | Q(suspended_until_at__gt=F("suspended_at")),
                name="issued_pass_suspension_ends",
            ),
        ]
        indexes = [
            models.Index(fields=["holder", "-id"], name="issued_pass_holder"),
            models.Index(fields=["id"], condition=Q(revoked_at__isnull=False), name="issued_pass_revoked"),
            models.Index(fields=["id"], condition=Q(suspended_at__isnull=False), name="issued_pass_suspended"),
        ]

    def is_suspended(self, at: datetime) -> bool:
        """Whether it is suspended at an instant."""
        return self.suspended_until_at is not None and self.suspended_until_at > at

    @property
    def place_path(self) -> str:
        return self.place.path
