"""Sealed fields and the blind index."""

import pytest
from django.conf import settings

from tongchou.core.keys import load_keys
from tongchou.core.secrecy import blind_index, seal, unseal


def test_sealing_differs_each_time_and_opens_to_the_same() -> None:
    first, second = seal("310118199001011234"), seal("310118199001011234")
    assert first != second and b"310118" not in first
    assert unseal(first) == unseal(second) == "310118199001011234"


def test_a_changed_byte_is_refused_with_the_way_out() -> None:
    sealed = bytearray(seal("13800138000"))
    sealed[-1] ^= 1
    with pytest.raises(RuntimeError, match=r"keys\.json"):
        unseal(bytes(sealed))


def test_blind_index_is_equal_for_equals_and_keyed(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    before = blind_index("13800138000")
    assert before == blind_index("13800138000") != blind_index("13800138001")
    monkeypatch.setattr(settings, "KEYS", load_keys(tmp_path))  # type: ignore[arg-type]
    assert blind_index("13800138000") != before


def test_keys_are_made_once_and_private(tmp_path: object) -> None:
    first = load_keys(tmp_path)  # type: ignore[arg-type]
    assert load_keys(tmp_path) == first  # type: ignore[arg-type]
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0  # type: ignore[operator]
