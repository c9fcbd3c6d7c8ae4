#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""iperf3.py ADDRESS PORT SECONDS: four streams of iperf3, as one line of JSON for bench/run."""
import json
import subprocess
import sys

address, port, seconds = sys.argv[1:]
command = ["iperf3", "-c", address, "-p", port, "-t", seconds, "-P", "4", "-J"]
answer = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
if "error" in answer:
    sys.exit(f"iperf3: {answer['error']}")
received = answer["end"]["sum_received"]
print(
    json.dumps(
        {
            "bytes": received["bytes"],
            "seconds": received["seconds"],
            "retransmits": answer["end"]["sum_sent"]["retransmits"],
            "failed": 0,
        }
    )
)
