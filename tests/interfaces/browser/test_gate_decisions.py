"""The scanner's own reading of passes and its decisions in a real browser: the very answers of the Python side; lists that must not be unpacked."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.gate_decisions import FILE, decisions
from tongchou.core.passes.status_lists import LIST_BITS, MOST_BITS, bits_of, decoded, encoded

STATIC = Path(__file__).parents[3] / "src/tongchou/interfaces/web/static"
ADDRESS = "http://127.0.0.1:1/"  # a secure context; every request is answered below, none leaves

DECIDE = """async (told) => {
  const [passes, lists, decide] = await Promise.all(["passes", "status_lists", "decide"].map((name) => import(`/static/gate/${name}.js`)));
  if (!(await passes.canVerify())) throw new Error("this browser has no Ed25519");
  const keys = await passes.importKeys(told.keys);
  const read = async (purpose) => new Map(await Promise.all(
    Object.entries(told.lists[purpose]).map(async ([number, text]) => [Number(number), await lists.decodeList(text)])));
  const around = { town: told.town, atS: told.at_s, revoked: await read("revocation"), suspended: await read("suspension") };
  const shown = new Map();
  for (const [name, text] of Object.entries(told.shown)) {
    shown.set(name, await passes.readPass(text, keys).catch((error) => { if (error instanceof passes.BadPass) return error; throw error; }));
  }
  return told.cases.map((one) => ({ ...one, ...decide.decide(shown.get(one.name), told.rules[one.rule], around) }));
}"""
UNPACK = """async (texts) => {
  const { decodeList } = await import("/static/gate/status_lists.js");
  return Promise.all(texts.map((text) => decodeList(text).then((bits) => bits.length, () => "refused")));
}"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(f"{ADDRESS}static/")
        if path == route.request.url:
            route.fulfill(body="<!doctype html><title>t</title>", content_type="text/html")
        else:
            route.fulfill(body=(STATIC / path).read_text("utf-8"), content_type="text/javascript")

    context.route("**/*", answer)
    page = context.new_page()
    page.goto(ADDRESS)
    yield page
    context.close()


def test_the_file_of_decisions_is_that_of_the_rules() -> None:
    kept: Any = json.loads(FILE.read_text("utf-8"))
    made: Any = json.loads(json.dumps(decisions()))
    # Another zlib may pack the same bits otherwise.
    lists = [
        {purpose: {n: decoded(text) for n, text in known.items()} for purpose, known in told.pop("lists").items()} for told in (kept, made)
    ]
    assert kept == made and lists[0] == lists[1], "run: python -m tests.gate_decisions"


def test_the_browser_decides_as_the_rules_do(page: Page) -> None:
    told = json.loads(FILE.read_text("utf-8"))
    assert len(told["cases"]) > 600
    found = page.evaluate(DECIDE, told)
    assert [(mine, theirs) for mine, theirs in zip(told["cases"], found, strict=True) if mine != theirs] == []


def test_a_status_list_is_unpacked_to_its_limit_and_never_beyond(page: Page) -> None:
    whole, most = encoded(bits_of([5])), encoded(bytes(MOST_BITS // 8))
    bomb = "u" + base64.urlsafe_b64encode(gzip.compress(bytes(200_000_000), 9, mtime=0)).decode().rstrip("=")
    refused = [
        encoded(bytes(MOST_BITS // 8 + 1)),
        bomb,
        whole[:-9],
        whole[1:],
        "u",
        "u!!!",
        encoded(bytes(LIST_BITS // 8 - 1)),
        whole + "AAAA",
    ]
    assert page.evaluate(UNPACK, [whole, most, *refused]) == [LIST_BITS // 8, MOST_BITS // 8, *["refused"] * len(refused)]
