"""Units, posts and who is on duty; accounts and interface tokens for the administrator."""

from datetime import timedelta
from itertools import groupby

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import Unseen
from tongchou.core.people.actions import add_user, end_posting, issue_token, post_user, revoke_token
from tongchou.core.people.models import Post, Posting, Token, User
from tongchou.core.people.queries import holders_at, post_by_code
from tongchou.core.people.rules import CAPABILITIES
from tongchou.core.wording import T
from tongchou.interfaces.web.page import Asked, page

TOKEN_DAYS = 365
RANK = ("office", "group", "health_centre", "department", "village", "district")
VILLAGES = T("村居", "Villages and neighbourhoods")


class Labelled(forms.Form):
    """A form whose labels are spoken in the reader's language."""

    LABELS: dict[str, T] = {}

    def __init__(self, *args: object, **given: object) -> None:
        super().__init__(*args, **given)  # type: ignore[arg-type]
        for name, label in self.LABELS.items():
            self.fields[name].label = str(label)


class NewUser(Labelled):
    """An account."""

    LABELS = {
        "username": T("用户名", "User name"), "name_zh": T("姓名", "Name (Chinese)"), "name_en": T("英文名", "Name (English)"),
        "email": T("邮箱", "E-mail"), "password": T("初始密码", "First password"),
    }  # fmt: skip
    username, name_zh, name_en = forms.SlugField(), forms.CharField(), forms.CharField(required=False)
    email = forms.EmailField(required=False)
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))


class NewPosting(Labelled):
    """A person into a post."""

    LABELS = {"post": T("岗位", "Post")}
    post = forms.ChoiceField()

    def __init__(self, *args: object, **given: object) -> None:
        super().__init__(*args, **given)
        self.fields["post"].choices = [(p.code, f"{p.unit.name} · {p.name}") for p in Post.objects.select_related("unit")]  # type: ignore[attr-defined]


class NewToken(Labelled):
    """A token for a program or device."""

    LABELS = {"name": T("用途", "What for"), "scopes": T("权限", "Scopes")}
    name = forms.CharField(max_length=80)
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, choices=[(c, c) for c in sorted(frozenset[str]().union(*CAPABILITIES.values()))]
    )


@page("desk.read", methods=("GET", "POST"))
def people_list(request: Asked) -> HttpResponse:
    """The command structure with the person on duty in every post."""
    form = NewUser(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        add_user(
            username=given["username"], name=T(given["name_zh"], given["name_en"]), email=given["email"], password=given["password"],
            by=request.actor, at=request.at,
        )  # fmt: skip
        return redirect("person", username=given["username"])
    posts = list(
        Post.objects.filter(place__path__startswith=request.town.place.path)
        .select_related("unit", "place", "reports_to")
        .order_by("unit__code", "code")
    )
    posts.sort(key=lambda p: RANK.index(p.unit.kind) if p.unit.kind in RANK else len(RANK))
    holders = holders_at(posts, request.at)
    # The villages have one post each: one table says it, not a card per village.
    units = [
        {"name": VILLAGES if unit is None else unit.name, "rows": [{"post": p, "holder": holders.get(p.pk)} for p in members]}
        for (_, unit), members in groupby(posts, key=lambda p: (p.unit.kind, None if p.unit.kind == "village" else p.unit))
    ]
    empty = sum(1 for p in posts if p.pk not in holders)
    return render(request, "people/list.html", {"units": units, "empty": empty, "form": form, "may_write": request.actor.may("user.write")})


@page("desk.read", methods=("GET", "POST"))
def person(request: Asked, username: str) -> HttpResponse:
    """One account: postings and tokens, with the forms to change them."""
    user = User.objects.filter(username=username).first()
    if user is None:
        raise Unseen("person")
    posting, token, secret = NewPosting(request.POST or None), NewToken(request.POST or None), None
    if request.method == "POST":
        done, secret = _change(request, user, posting, token)
        if done and secret is None:
            messages.success(request, str(T("已保存。", "Saved.")))
            return redirect("person", username=username)
    context = {
        "person": user, "postings": user.postings.select_related("post__unit", "post__place", "deputy_for"), "tokens": user.tokens.all(),
        "posting_form": posting if request.POST.get("do") == "post" else NewPosting(),
        "token_form": token if request.POST.get("do") == "token" else NewToken(), "secret": secret,
        "may_post": request.actor.may("post.write"), "may_token": request.actor.may("token.write"),
    }  # fmt: skip
    return render(request, "people/person.html", context)


def _change(request: Asked, user: User, posting: NewPosting, token: NewToken) -> tuple[bool, str | None]:
    by, at = request.actor, request.at
    match request.POST.get("do"):
        case "post" if posting.is_valid():
            post_user(user=user, post=post_by_code(posting.cleaned_data["post"]), from_at=at, by=by, at=at)
        case "end":
            row = Posting.objects.select_related("post__place").filter(pk=request.POST.get("posting"), user=user).first()
            if row is None:
                raise Unseen("posting")
            end_posting(posting=row, by=by, at=at)
        case "token" if token.is_valid():
            given = token.cleaned_data
            return True, issue_token(
                user=user, name=given["name"], scopes=given["scopes"], expires_at=at + timedelta(days=TOKEN_DAYS), by=by, at=at
            )
        case "revoke":
            known = Token.objects.filter(pk=request.POST.get("token"), user=user).first()
            if known is None:
                raise Unseen("token")
            revoke_token(token=known, by=by, at=at)
        case _:
            return False, None
    return True, None


urlpatterns = [
    path("people/", people_list, name="people"),
    path("people/<str:username>", person, name="person"),
]
