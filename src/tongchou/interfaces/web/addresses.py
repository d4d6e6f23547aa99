"""The address at which everybody reaches this town: what posters, passes and screens carry must not follow the host of whoever printed them."""

from django.conf import settings
from django.http import HttpRequest


def public_address(request: HttpRequest, path: str) -> str:
    """A path of this installation as a whole address: under `TONGCHOU_ADDRESS`, or, while nobody has set it, under the host that was asked."""
    return f"{settings.PUBLIC_ADDRESS}{path}" if settings.PUBLIC_ADDRESS else request.build_absolute_uri(path)
