# SPDX-License-Identifier: Apache-2.0
"""Resets in every state of a connection: rows go, and source ports come back."""
import time

from ..packets import ACK, FIN, PSH, RST, SYN
from ..peer import require
from ..scene import hello

ROUNDS = 2
"""With every kind in each, many times as many connections as there are source ports."""


def by_client_after_syn(scene):
    client = scene.new_client()
    client.syn()
    client.hear("the SYN-ACK", lambda s: s.has(SYN, ACK))
    client.say(RST)


def by_client_after_handshake(scene):
    client = scene.new_client()
    client.open()
    client.say(RST | ACK)


def by_client_amid_hello(scene):
    client = scene.new_client()
    client.open()
    client.say(ACK | PSH, hello()[:100])
    client.say(RST | ACK)


def by_client_while_connecting(scene):
    client = scene.new_client()
    client.open()
    client.say(ACK | PSH, hello())
    syn = scene.hear_syn()
    client.say(RST | ACK)
    # The endpoint's answer comes late, and is answered by a reset.
    time.sleep(0.1)
    endpoint = scene.new_endpoint()
    endpoint.accept(syn)
    reset = endpoint.hear("a reset of what nobody wants any more", lambda s: s.has(RST))
    require(reset.seq == endpoint.expected or reset.has(ACK), f"{reset}")


def by_endpoint_while_connecting(scene):
    client, endpoint = scene.new_client(), scene.new_endpoint()
    client.open()
    client.say(ACK | PSH, hello())
    syn = scene.hear_syn()
    endpoint.remote, endpoint.remote_port = syn.source, syn.sport
    endpoint.wire.send(endpoint.segment(RST | ACK, seq=0, ack=syn.end, options=b""))
    # There is no other endpoint: the client is turned away.
    client.hear("the end", lambda s: s.has(RST) or s.has(FIN))
    client.say(RST | ACK)


def after_splice(ender, half_closed=None):
    def script(scene):
        ends = scene.splice()
        scene.talk(*ends)
        if half_closed is not None:
            one, other = ends[half_closed], ends[1 - half_closed]
            one.say(FIN | ACK)
            other.handle(other.hear("the FIN", lambda s: s.has(FIN)))
            one.hear("its ACK", lambda s: s.ack == one.next)
        ends[ender].say(RST | ACK)
        heard = ends[1 - ender].hear("the reset", lambda s: s.has(RST))
        require(heard.seq == ends[1 - ender].expected, f"{heard}")

    return script


KINDS = {
    "the client after the SYN-ACK": by_client_after_syn,
    "the client after the handshake": by_client_after_handshake,
    "the client amid its hello": by_client_amid_hello,
    "the client while we connect": by_client_while_connecting,
    "the endpoint while we connect": by_endpoint_while_connecting,
    "the client, established": after_splice(0),
    "the endpoint, established": after_splice(1),
    "the client, its half closed": after_splice(0, 0),
    "the client, the endpoint's half closed": after_splice(0, 1),
    "the endpoint, its half closed": after_splice(1, 1),
    "the endpoint, the client's half closed": after_splice(1, 0),
}


def everywhere(scene):
    """Each kind of death, over and over, with eight source ports in all."""
    before = scene.counters()
    for _ in range(ROUNDS):
        for name, die in KINDS.items():
            try:
                for _ in range(2):
                    die(scene)
                await_empty(scene)
            except Exception:
                print(f"reset by {name}")
                raise
    client, endpoint = scene.splice()
    require(scene.row_of(client)["mode"] == "spliced", f"{scene.row_of(client)}")
    client.say(RST | ACK)
    await_empty(scene)
    # The daemon shows its counters five times a second.
    time.sleep(0.5)
    counters = {name: value - before[name] for name, value in scene.counters().items()}
    twice = ROUNDS * 2
    wanted = {
        "daemon_established": twice * 6 + 1, "daemon_ended": twice * 6 + 1,
        "daemon_failed_attempts": twice, "daemon_rejected": twice, "daemon_relayed": 0,
        # Those who died amid their hello are not waited for.
        "daemon_client_hello_timed_out": 0,
    }
    found = {name: counters[name] for name in wanted}
    require(found == wanted, f"{found}, not {wanted}")


def await_empty(scene, within=3.0):
    end = time.monotonic() + within
    while rows := scene.rows():
        require(time.monotonic() < end, f"left: {rows}")
        time.sleep(0.05)
