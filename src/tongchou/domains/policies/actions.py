"""Publishing a book of policies, and moving documents from received to reported."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from tongchou.core.audit.acting import action, record
from tongchou.core.casework.life import Opening, advance, open_dossiers
from tongchou.core.casework.two_people import nearest_post
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale, in_words
from tongchou.core.packs.policies import book_of
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.policies.models import Book, PolicyDocument
from tongchou.domains.policies.queries import latest_book, read_again
from tongchou.domains.policies.rules import DOCUMENT, LEVELS


@action("policy.write", place=lambda given: given["place"].path)
def publish_book(*, content: Mapping[str, Any], place: Place, reason: str = "", by: Actor, at: datetime) -> Book:
    """Publish policies with their fields; from now on this book holds. Raises PackInvalid naming what is wrong, Stale for the book that holds already."""
    measures = book_of(content).measures
    text = json.dumps(content, ensure_ascii=False)
    digest = sha256(text.encode()).hexdigest()
    last = Book.objects.order_by("-version").first()
    if last is not None and last.digest == digest:
        raise Stale(T("内容和现行政策库相同。", "It is the book that holds already."))
    row = Book.objects.create(
        place=place, version=last.version + 1 if last else 1, digest=digest, content=text, published_at=at, by_id=by.user_id
    )
    record("policy.publish", row, reason=reason, detail={"version": row.version, "measures": len(measures.measures), "digest": digest})
    return row


@dataclass(frozen=True, slots=True)
class Received:
    """A document that came down. `source`: its key among the sources of the book, given before its measures are written."""

    source: str
    title: T
    doc_number: str
    level: str


@action("policy.work", place=lambda given: given["place"].path)
def receive_document(*, given: Received, place: Place, by: Actor, at: datetime) -> PolicyDocument:
    """Take in a document; its clocks begin. Raises Invalid naming what is missing, or a document taken in before."""
    problems = []
    if len(given.title.zh.strip()) < 4:
        problems.append(FieldProblem("title", T("请写文件名称（至少四个字）。", "Give its title (at least four characters).")))
    if given.level not in LEVELS:
        problems.append(FieldProblem("level", T("请选择层级。", "Choose its level.")))
    if not given.source.isascii() or not given.source.isidentifier():
        problems.append(
            FieldProblem("source", T("代号用字母、数字和下划线，如 sh50。", "The key has letters, digits and _, such as sh50."))
        )
    elif PolicyDocument.objects.filter(source=given.source).exists():
        problems.append(FieldProblem("source", T("这份文件已经收过。", "This document was taken in before.")))
    if problems:
        raise Invalid(problems)
    opening = Opening(
        given.title, place, nearest_post("duty_officer", place), detail={"source": given.source, "doc_number": given.doc_number}
    )
    (head,) = open_dossiers(DOCUMENT, [opening], by=by, at=at)
    return PolicyDocument.objects.create(dossier=head, source=given.source, doc_number=given.doc_number.strip()[:120], level=given.level)


@action("policy.work", on=PolicyDocument)
def break_down(row: PolicyDocument, *, by: Actor, at: datetime) -> PolicyDocument:
    """The document's measures stand in the book that holds. Raises Refusal when the book has none of them."""
    book = latest_book()
    found = read_again(book).measures.from_source(row.source) if book else []
    if not found:
        raise Refusal(
            T(f"政策库里还没有出自 {row.source} 的条目。", f"The book has no measure with the source {row.source} yet."),
            T("请先把条目写入 policies.yaml 并发布。", "Write its measures into policies.yaml and publish them first."),
        )
    advance(row.dossier, DOCUMENT, "break_down", at=at, detail={"measures": [m.id for m in found]})
    return row


@action("policy.work", on=PolicyDocument)
def issue_document(row: PolicyDocument, *, to: str, by: Actor, at: datetime) -> PolicyDocument:
    """Hand it down; `to`: the offices and villages it went to, in words."""
    advance(row.dossier, DOCUMENT, "issue", at=at, reason=in_words("to", to))
    return row


@action("policy.work", on=PolicyDocument)
def deliver_document(row: PolicyDocument, *, untold: int, by: Actor, at: datetime) -> PolicyDocument:
    """Every firm it is for has been told. Raises Refusal while `untold` firms have not."""
    if untold:
        raise Refusal(
            T(f"还有 {untold} 家应享企业没有收到通知。", f"{untold} firms that are due something have not been told."),
            T("请先通知企业。", "Tell the firms first."),
        )
    advance(row.dossier, DOCUMENT, "deliver", at=at)
    return row


@action("policy.work", on=PolicyDocument)
def report_document(row: PolicyDocument, *, words: str, by: Actor, at: datetime) -> PolicyDocument:
    """Report to the level above what came of it."""
    advance(row.dossier, DOCUMENT, "report", at=at, reason=in_words("words", words, 4))
    return row
