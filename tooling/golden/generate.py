#!/usr/bin/env python3
"""Writes the golden files in data/: numbers computed by PyTorch that Ostinato's tests compare with.

    python3 tooling/golden/generate.py            rewrite data/*.json
    python3 tooling/golden/generate.py --check    compare with data/*.json byte for byte, write nothing

Versions: Python 3.11.2, NumPy 1.24.2, PyTorch 1.13.1 (Debian 12: `apt-get install python3-torch`; the module
calls itself 1.13.0a0). The run is on one thread and takes a few seconds.

Seeds are pinned: each case draws its inputs from Python's `random.Random("ostinato/" + name)`, so adding a case
changes no other. Inputs are float32 values. Each case is computed twice from them, in float64 and in float32; the
generator stops unless the two agree within 1e-6 + 1e-5 * max|b| per tensor. What is stored is the float64 result
rounded to float32. Cases that have a torch.nn module are also computed by the hand-written loop in
cases/recurrent.py, which must agree in float64 within 1e-12.

This file knows the list of cases and the file format. The mathematics is in cases/.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before torch is imported; one order of summation
sys.dont_write_bytecode = True

import torch  # noqa: E402

from cases import functions, optimisers, recurrent  # noqa: E402
from cases.golden_file import to_json  # noqa: E402

DATA = Path(__file__).resolve().parent / "data"


def build() -> dict[str, str]:
    """File name to content, for every case."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    goldens = [*recurrent.goldens(), *optimisers.goldens(), *functions.goldens()]
    files = {f"{golden['name']}.json": to_json(golden) for golden in goldens}
    assert len(files) == len(goldens), "two cases have the same name"
    return files


def differences(files: dict[str, str]) -> list[str]:
    on_disk = {path.name: path.read_text() for path in DATA.glob("*.json")}
    return sorted(name for name in files.keys() | on_disk.keys() if files.get(name) != on_disk.get(name))


def write(files: dict[str, str]) -> None:
    DATA.mkdir(exist_ok=True)
    for path in DATA.glob("*.json"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (DATA / name).write_text(text)


def main() -> int:
    # Anything else is refused: a mistyped --check would rewrite what it was to compare with.
    parser = argparse.ArgumentParser(description="Writes the golden files in data/.")
    parser.add_argument("--check", action="store_true", help="compare with data/ byte for byte, write nothing")
    check = parser.parse_args().check
    files = build()
    if check:
        differing = differences(files)
        for name in differing:
            print(f"differs from a fresh run: data/{name}")
        return 1 if differing else 0
    write(files)
    print(f"{len(files)} files, {sum(map(len, files.values()))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
