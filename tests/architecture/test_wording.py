"""Two languages, always as a pair."""

import ast
import re

from tests.architecture.source import HAN, LATIN_WORD, Module, modules, templates
from tests.architecture.wording import bare_text, lone_chinese, pairs, said

# Words that are the same in both languages, or a sample of what the users type.
ALLOWED_BARE = {"统筹", "tongchou", "中文", "English", "CSV", "XLSX", "API", "RKI", "Tongchou", "JSON", "OpenAPI", "SHA-256"}
# A placeholder may show the form of a code: alarm. dossier:12
CODE = re.compile(r"[\"']?[a-z_]+[.:]\w*[\"']?$")
# Invented names, and what invented people of the demonstration typed: contents, not labels.
GENERATED = ("generation", "demonstration")


def test_every_pair_has_chinese_first_and_english_second():
    wrong = []
    for module in modules():
        for line, zh, en in pairs(module):
            if zh is not None and not HAN.search(zh) and LATIN_WORD.search(zh):
                wrong.append(f"{module.where}:{line} first text is not Chinese: {zh}")
            if en is not None and (HAN.search(en) or not en.strip()):
                wrong.append(f"{module.where}:{line} second text is not English: {en}")
    assert wrong == []


def test_no_chinese_stands_alone_in_code():
    alone = [
        (f"{m.where}:{line}", text)
        for m in modules()
        if not any(word in m.path.stem for word in GENERATED)
        for line, text in lone_chinese(m)
        if text not in ALLOWED_BARE
        # A shell has no language switch: there one string holds both.
        and not (m.name.startswith("tongchou.interfaces.cli") and LATIN_WORD.search(text))
    ]
    assert alone == []


def test_every_say_of_a_template_is_a_pair():
    wrong = [
        f"{where}: {zh!r} {en!r}"
        for where, text in templates()
        for zh, en in said(text)
        if HAN.search(en) or not en.strip() or (LATIN_WORD.search(zh) and not HAN.search(zh) and zh != en)
    ]
    assert wrong == []


def test_templates_show_no_text_outside_say():
    bare = {}
    for where, text in templates():
        words = {chunk.strip("·:：,，.。()（）/|\"'") for chunk in bare_text(text).split() if not CODE.match(chunk)}
        words = {w for w in words if HAN.search(w) or LATIN_WORD.search(w)}
        if words - ALLOWED_BARE:
            bare[where] = sorted(words - ALLOWED_BARE)
    assert bare == {}


def parsed(text: str) -> Module:
    return Module(None, "sample", text, ast.parse(text))  # type: ignore[arg-type]


def test_the_finder_of_lone_chinese_finds_it():
    found = list(
        lone_chinese(
            parsed('"""说明"""\nA = T("预警", "alarm")\nB = "预警"\nC = Row(name_zh="村", name_en="village")\nraise E("村不存在")\n')
        )
    )
    assert found == [(3, "预警"), (5, "村不存在")]


def test_the_finder_of_bare_text_reads_elements_and_attributes():
    page = '<p title="Hello there">{% say "你好" "hello" %}<b>world</b></p><script>var unseen</script>{# note #}'
    assert bare_text(page).split() == ["world", '"Hello', 'there"']
    assert said(page) == [("你好", "hello")]
