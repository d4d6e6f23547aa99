"""`Register(model, columns, form, import_spec)`: all that a reference list needs to get its pages. Nothing to override, no hooks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, cast

from django import forms
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.utils.functional import cached_property
from django.utils.html import conditional_escape, format_html

from tongchou.core.errors import FieldProblem
from tongchou.core.importing.checking import ImportSpec
from tongchou.core.importing.columns import YES_NO, Column, flag
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.registry.queries import searched, seen_rows
from tongchou.interfaces.web.templatetags.tongchou import NOTHING, number, when, word

ROWS_PER_PAGE = 50
LISTED_AT_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as a page shows it; secrets are masked here and nowhere else."""

    label: T
    value: object
    kind: str  # text, number, day, secret

    @property
    def shown(self) -> str:
        """The value in the reader's language, escaped. Made here and not by an include: a list has four hundred of them."""
        if self.value is None or self.value == "":
            return NOTHING
        if self.kind == "number":
            return number(cast(int, self.value))
        if self.kind == "day":
            return when(cast(date, self.value), "full")
        return (
            format_html('<span class="masked">{}</span>', self.value)
            if self.kind == "secret"
            else conditional_escape(str(word(self.value)))
        )


@dataclass(frozen=True, slots=True)
class Register:
    """A reference list: its table, the fields a list shows, the fields a form asks for, and its columns in files.

    Fields named in `columns` that are closed words are filters of the list too.
    """

    model: type[Model]
    columns: tuple[str, ...]
    form: tuple[str, ...]
    import_spec: ImportSpec
    derived: tuple[Column, ...] = ()  # filters by fields that follow from others and stand in no file

    @property
    def slug(self) -> str:
        return self.import_spec.name

    @property
    def label(self) -> T:
        return self.import_spec.label

    @property
    def secrets(self) -> list[Column]:
        return [column for column in self.import_spec.columns if column.is_secret]

    @property
    def filters(self) -> list[Column]:
        found = [self.import_spec.column(name) for name in self.columns]
        return [column for column in (*found, *self.derived) if column.choices]

    def heads(self) -> list[tuple[T, str]]:
        """Label and kind of each column of the list."""
        return [(self.import_spec.column(name).label, self.kind_of(self.import_spec.column(name))) for name in self.columns]

    def kind_of(self, column: Column) -> str:
        internal = "" if column.is_place or column.reads else self.model._meta.get_field(column.field).get_internal_type()
        return "secret" if column.is_secret else "day" if internal == "DateField" else "number" if "Integer" in internal else "text"

    def reader(self, names: Iterable[str] | None = None) -> Callable[[Any], list[Cell]]:
        """From a row to these fields as they may be shown to anybody who sees the row; all fields without names."""
        columns = [self.import_spec.column(name) for name in names] if names is not None else list(self.import_spec.columns)
        plan = [(column.label, self.kind_of(column), _value_of(column)) for column in columns]
        return lambda row: [Cell(label, value(row), kind) for label, kind, value in plan]

    def listed(self, place_ids: Sequence[int], asked: Mapping[str, str]) -> QuerySet[Any]:
        """Rows in these places that answer the words and the filters of the query string."""
        rows = searched(seen_rows(self.import_spec, place_ids), self.import_spec, asked.get("q", ""))
        wanted = {column.field: asked[column.field] for column in self.filters if asked.get(column.field) in (column.choices or {})}
        return rows.filter(**wanted)

    def bound_form(self, row: Any | None, places: Sequence[Place], given: Mapping[str, str] | None) -> "RowForm":
        return RowForm(self, row, places, given)


def _value_of(column: Column) -> Callable[[Any], object]:
    """How the value of one column is got from a row."""
    related, name = attrgetter(column.field.removesuffix("_id")), attrgetter(column.field)
    if column.is_place:
        return related
    if column.reads:
        key = column.reads[1]
        return lambda row: getattr(related(row), key) if related(row) else None
    if column.is_secret:
        return lambda row: column.shown(name(row) or "") or None
    if column.parse is flag:
        return lambda row: YES_NO["1" if name(row) else "0"]
    if words := column.choices:
        return lambda row: words.get(name(row))
    return name


class RowForm(forms.Form):
    """A form over a register's columns. Checking is the register's own (`read_row`), so a form can refuse nothing a file would take."""

    def __init__(self, register: Register, row: Any | None, places: Sequence[Place], given: Mapping[str, str] | None) -> None:
        super().__init__(given)  # type: ignore[arg-type]
        for name in register.form:
            column = register.import_spec.column(name)
            self.fields[name] = _field(column, row, places, register.kind_of(column))

    def texts(self) -> dict[str, str]:
        """What was typed, by field; an empty secret means: leave the known one."""
        return {
            name: str(value) for name, value in self.cleaned_data.items() if value or not self.fields[name].widget.attrs.get("data-kept")
        }

    def show(self, problems: Iterable[FieldProblem]) -> None:
        """Put each problem beside its field."""
        for problem in problems:
            self.add_error(problem.field if problem.field in self.fields else None, str(problem.said))


def _field(column: Column, row: Any | None, places: Sequence[Place], kind: str) -> forms.Field:
    value = None if row is None else getattr(row, column.field)
    about: dict[str, Any] = {"label": str(column.label), "required": column.required, "help_text": str(column.note or "")}
    words = YES_NO if column.parse is flag else column.choices
    if column.is_place:
        about |= {"help_text": "", "initial": row.place.code if row else None}
        return forms.ChoiceField(choices=[(place.code, str(place.name)) for place in places], **about)
    if words is not None:
        known = ("1" if value else "0") if column.parse is flag else value
        blank = [] if column.required or column.parse is flag else [("", "–")]
        return forms.ChoiceField(
            choices=[*blank, *((key, str(word)) for key, word in words.items())], **{**about, "initial": known, "help_text": ""}
        )
    if column.is_secret:
        attrs = {"placeholder": column.shown(value or ""), "autocomplete": "off", **({"data-kept": "1"} if value else {})}
        return forms.CharField(widget=forms.TextInput(attrs=attrs), **{**about, "required": column.required and not value})
    if column.reads and row is not None:
        related = getattr(row, column.field.removesuffix("_id"))
        value = getattr(related, column.reads[1]) if related else ""
    if kind == "day":
        shown = value.isoformat() if isinstance(value, date) else value
        return forms.CharField(widget=forms.TextInput(attrs={"type": "date"}), initial=shown, **about)
    attrs = {"inputmode": "numeric"} if kind == "number" else {}
    return forms.CharField(widget=forms.TextInput(attrs=attrs), initial=value, **about)


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages over the first two thousand rows: whoever has more to look at narrows the search, and no page counts the whole town."""

    @cached_property
    def count(self) -> int:
        return cast("QuerySet[Any]", self.object_list)[:LISTED_AT_MOST].count()

    @property
    def is_capped(self) -> bool:
        return self.count >= LISTED_AT_MOST
