"""What every template may use."""

from django.http import HttpRequest


def town(request: HttpRequest) -> dict[str, object]:
    return {}
