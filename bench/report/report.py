#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""report.py SAMPLES [--save FOLDER]: the report of a run of bench/run, in Markdown.

With --save, FOLDER gets README.md, samples.json and the pictures.
"""
import json
import pathlib
import sys

import pictures
import tables
from samples import Run


def save(run, folder):
    folder.mkdir(parents=True, exist_ok=True)
    drawn = pictures.draw(run)
    for name, picture in drawn.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    (folder / "README.md").write_text("\n".join(tables.report(run, list(drawn))) + "\n", encoding="utf-8")
    with open(folder / "samples.json", "w", encoding="utf-8") as file:
        everything = {"facts": run.facts, "samples": run.samples, "errors": run.errors}
        # A line for each sample, for the sake of diffs.
        file.write(json.dumps(everything, ensure_ascii=False).replace('{"way"', '\n{"way"') + "\n")


arguments = sys.argv[1:]
if len(arguments) not in (1, 3) or (len(arguments) == 3 and arguments[1] != "--save"):
    sys.exit(__doc__)
measured = Run(arguments[0])
if not measured.samples:
    sys.exit("report: not one cell was measured: "
             + "; ".join(" ".join(error["error"].split()) for error in measured.errors))
print("\n".join(tables.report(measured)))
if len(arguments) == 3:
    save(measured, pathlib.Path(arguments[2]))
    print(f"\nSaved to {arguments[2]}.")
