"""Signing in and out; language and theme."""

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from tongchou.core.people.models import User
from tongchou.core.places.queries import installation
from tongchou.interfaces.web.middleware import set_preferences

POSTS_SHOWN = 2


class SignIn(LoginView):
    """User name and password; a demo town also lists its fictional accounts, so that one can try every role."""

    template_name = "account/login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **given: object) -> dict[str, object]:
        town = installation()
        demo = User.objects.filter(is_fictional=True, is_active=True).prefetch_related("postings__post") if town and town.is_demo else []
        return {**super().get_context_data(**given), "town": town, "demo_accounts": [_account(user) for user in demo]}


def _account(user: User) -> dict[str, object]:
    """A demo account with its own posts; a person who stands in for many is not told by all of them."""
    posts = [posting.post for posting in user.postings.all() if posting.deputy_for_id is None]
    return {"user": user, "posts": posts[:POSTS_SHOWN], "more": max(0, len(posts) - POSTS_SHOWN)}


def locked_out(request: HttpRequest, credentials: object = None) -> HttpResponse:
    """Too many wrong passwords: says so and when to try again."""
    return render(request, "account/locked.html", status=429)


urlpatterns = [
    path("login", SignIn.as_view(), name="login"),
    path("logout", LogoutView.as_view(next_page="/login"), name="logout"),
    path("preferences", set_preferences, name="preferences"),
]
