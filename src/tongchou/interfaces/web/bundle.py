"""The chart program for the browser (Vega, Vega-Lite, vega-embed), made from vl-convert's own copy so that no page needs another host."""

import gzip
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def bundle_name() -> str:
    """The file's name; it carries the version, so that a browser never keeps an old one."""
    return f"vega-bundle-{version('vl-convert-python')}.js"


def build_bundle(folder: Path) -> Path:
    """Write the bundle and its gzip copy into `folder` unless they are there; returns the file. About 2 s the first time."""
    target = folder / bundle_name()
    packed = target.with_name(target.name + ".gz")
    if target.exists() and packed.exists():
        return target
    import vl_convert  # 50 MB of library that only this step needs

    # The bundle has top-level names (`n`, `t`, …) that would collide with another script's; it publishes itself on `window`.
    program = f"(()=>{{{vl_convert.javascript_bundle()}\n}})();\n".encode()  # type: ignore[call-arg]
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in ((target, program), (packed, gzip.compress(program, mtime=0))):
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
    return target
