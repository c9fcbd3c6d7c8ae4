#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""odd_tcp.py --lab NAME --flowdump PATH --family v4|v6 SCRIPT [ARGUMENT...]: stacks unlike Linux's.

A script of odd/scripts plays a client, an endpoint or both, packet by packet, beside a running
balancer, and checks what arrives on the other wire. It ends with `good`, or with what was not as it
should be and the last packets of both wires.
"""
import argparse
import importlib
import sys
import traceback

sys.dont_write_bytecode = True
from odd.scene import Scene

parser = argparse.ArgumentParser()
parser.add_argument("--lab", required=True)
parser.add_argument("--flowdump", required=True)
parser.add_argument("--family", choices=["v4", "v6"], required=True)
parser.add_argument("script", help="MODULE.FUNCTION")
parser.add_argument("arguments", nargs="*")
options = parser.parse_args()

module, function = options.script.split(".")
script = getattr(importlib.import_module(f"odd.scripts.{module}"), function)
scene = Scene(options.lab, options.family, options.flowdump)
try:
    script(scene, *options.arguments)
except Exception:
    traceback.print_exc()
    scene.evidence()
    sys.exit(1)
print("good")
