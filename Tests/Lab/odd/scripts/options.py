# SPDX-License-Identifier: Apache-2.0
"""What stacks offer in their SYNs, and DP-09: every pair of them moves data unharmed."""
import os
import threading
import time

from ..packets import ACK, SYN
from ..peer import Offer, live, require
from ..scene import hello, receive

BYTES = 256 * 1024

# The first eight are what a quick run has as endpoints.
STACKS = {
    "Linux": Offer("mss sackok ts nop scale"),
    "Windows": Offer("mss nop scale nop nop sackok", scale=8),
    "no options": Offer(""),
    "no SACK": Offer("mss nop nop ts nop scale"),
    "no scale": Offer("mss sackok ts"),
    "scale 14": Offer("mss sackok ts nop scale", scale=14),
    "MSS 536": Offer("mss sackok ts nop scale", mss=536),
    "timestamps at an odd place": Offer("nop ts nop mss scale sackok", stamp="nop ts nop"),
    "BSD": Offer("mss nop scale sackok ts", scale=6),
    "macOS": Offer("mss nop scale nop nop ts sackok eol", scale=6),
    "MSS alone": Offer("mss"),
    "no timestamps and no scale": Offer("mss nop nop sackok"),
    "scale 0": Offer("mss sackok ts nop scale", scale=0),
    "scale 2": Offer("mss sackok ts nop scale", scale=2),
    "scale 15, which means 14": Offer("mss sackok ts nop scale", scale=15),
    "MSS 8960": Offer("mss sackok ts nop scale", mss=8960),
    "timestamps first": Offer("ts nop nop scale nop mss sackok", stamp="ts nop nop"),
    "timestamps last": Offer("scale sackok nop mss ts", stamp="nop nop nop nop nop ts nop"),
    "an end of options before junk": Offer("mss sackok ts scale eol extra", extra=b"\2\4\0"),
}


def connect(scene, client_offer, endpoint_offer):
    """A connection, spliced, or relayed since the endpoint refuses the timestamps we promised."""
    client = scene.new_client(client_offer)
    answer = client.open()
    check_promises(client_offer, answer)
    client.send(hello())
    client.push()
    endpoint = scene.new_endpoint(endpoint_offer)
    endpoint.accept(scene.hear_syn())
    if client.has_stamps and not endpoint_offer.has("ts"):
        # The refusal: we end this one, and come again by a socket that did not promise anything.
        endpoint = scene.new_endpoint(endpoint_offer)
        endpoint.accept(scene.hear_syn())
        client.stamps.add(0)
    live(client, endpoint, until=lambda: len(endpoint.received) >= len(hello())
         and client.is_acknowledged, what="the hello's arrival")
    require(endpoint.received == hello(), "another hello arrived")
    return client, endpoint


def check_promises(offer, answer):
    """No option that was not offered."""
    words = {2: None, 3: "scale", 4: "sackok", 8: "ts"}
    for kind, _ in answer.option_list():
        require(kind in words, f"option {kind} in {answer}")
        require(kind == 2 or offer.has(words[kind]), f"{words[kind]} was not offered: {answer}")


def exchange(client, endpoint, count=BYTES):
    """Both ways at the same time."""
    up, down = os.urandom(count), os.urandom(count)
    wanted = [(client, client.received + down), (endpoint, endpoint.received + up)]
    client.send(up)
    endpoint.send(down)
    live(client, endpoint, within=15, what=f"{count} bytes each way",
         until=lambda: all(len(end.received) >= len(all) for end, all in wanted)
         and client.is_acknowledged and endpoint.is_acknowledged)
    for end, all_of_it in wanted:
        require(end.received == all_of_it, f"other bytes at {end.wire.name}")
    return up, down


def every_pair(scene, count):
    """All kinds of clients to each of the first kinds of endpoints, which are clusters apart."""
    for index, name in list(enumerate(STACKS))[: int(count)]:
        scene.vip_port, scene.endpoint_port = 8000 + index, 9800 + index
        every_client(scene, name)


def every_client(scene, endpoint_name):
    endpoint_offer = STACKS[endpoint_name]
    relayed = []
    for name, offer in STACKS.items():
        try:
            if meet(scene, offer, endpoint_offer) == "relayed":
                relayed.append(name)
        except Exception:
            print(f"client: {name}, endpoint: {endpoint_name}")
            raise
    wanted = [] if endpoint_offer.has("ts") else [next(iter(STACKS))]
    require(relayed == wanted, f"relayed to {endpoint_name}: {relayed}, not {wanted}")


def meet(scene, client_offer, endpoint_offer):
    """One pair; whether it was spliced or relayed."""
    client, endpoint = connect(scene, client_offer, endpoint_offer)
    row = scene.row_of(client)
    exchange(client, endpoint)
    for end in (client, endpoint):
        require(not end.is_reset, f"{end.wire.name} was reset")
    if row["mode"] == "spliced":
        check_row(scene, client, endpoint)
    else:
        require(row["relay_reason"] == "options-refused", f"{row}")
        # What was learned reaches the listener within 200 ms.
        time.sleep(0.5)
    return row["mode"]


def check_row(scene, client, endpoint):
    row = scene.row_of(client)
    require(row["state"] == "established", f"{row}")
    require(row["timestamps"] == client.has_stamps == endpoint.has_stamps, f"{row}")
    sent = {"upstream": len(hello()) + BYTES, "downstream": BYTES}
    for direction, count in sent.items():
        require(row[direction]["bytes"] == count, f"{row[direction]}, not {count} bytes")


def jumbo(scene):
    """Segments of 9,000 bytes where all links carry them, and ends that take less."""
    scene.mtu = 9000
    for client_mss, endpoint_mss in [(8940, 8940), (8940, 1460), (536, 8940)]:
        client, endpoint = connect(scene, Offer(mss=client_mss), Offer(mss=endpoint_mss))
        exchange(client, endpoint)
        require(scene.row_of(client)["mode"] == "spliced", f"{scene.row_of(client)}")
    largest = max(len(s.payload) for s in scene.endpoint_wire.log)
    require(largest > 8000, f"the largest segment had {largest} bytes")


SCALES = (0, 2, 7, 14)
WINDOWS = (1, 2, 127, 128, 1000, 1023, 32768, 65535)


def seen(window, shift, own_shift):
    """What a window in one scale is in another: rounded down, saturated."""
    wide = window << shift
    return min(wide >> own_shift, 0xFFFF) << own_shift


def scales(scene):
    """DP-09: each end sees the window that the other offered, in all pairs of scales."""
    for client_scale in SCALES:
        for endpoint_scale in SCALES:
            client, endpoint = connect(
                scene, Offer(scale=client_scale), Offer(scale=endpoint_scale)
            )
            syn_ack = next(s for s in scene.client_wire.log
                           if s.has(SYN, ACK) and s.dport == client.port)
            ours = syn_ack.option(3)[0]
            for window in WINDOWS:
                client.window_on_wire = window
                client.say()
                heard = endpoint.hear("the client's window", lambda s: not s.payload)
                require(heard.window == window, f"{window} became {heard.window}")
                endpoint.window_on_wire = window
                endpoint.say()
                heard = client.hear("the endpoint's window", lambda s: not s.payload)
                got = heard.window << ours
                want = seen(window, endpoint_scale, ours)
                require(got == want, f"{window} << {endpoint_scale} became {got}, not {want}")
            client.window_on_wire = endpoint.window_on_wire = None
            row = scene.row_of(client)
            found = row["client_scale"], row["endpoint_scale"], row["balancer_scale"]
            require(found == (client_scale, endpoint_scale, ours), f"{row}")
            exchange(client, endpoint, 64 * 1024)


def unscaled(scene):
    """One side does not scale at all: its windows are bytes, and the other's fit into them."""
    plain = Offer("mss sackok ts")
    for scale in SCALES:
        client, endpoint = connect(scene, plain, Offer(scale=scale))
        for end in (client, endpoint):
            require(not end.has_scale, "a scale was agreed on with nobody")
        for window in WINDOWS:
            for one, other in [(client, endpoint), (endpoint, client)]:
                one.window_on_wire = window
                one.say()
                heard = other.hear("the window", lambda s: not s.payload)
                require(heard.window == window, f"{window} became {heard.window}")
        client.window_on_wire = endpoint.window_on_wire = None
        exchange(client, endpoint, 64 * 1024)
        client, endpoint = connect(scene, Offer(scale=scale), plain)
        syn_ack = next(s for s in scene.client_wire.log
                       if s.has(SYN, ACK) and s.dport == client.port)
        ours = syn_ack.option(3)[0]
        for window in WINDOWS:
            client.window_on_wire = endpoint.window_on_wire = window
            client.say()
            heard = endpoint.hear("the client's window", lambda s: not s.payload)
            require(heard.window == seen(window, scale, 0), f"{window} became {heard.window}")
            endpoint.say()
            heard = client.hear("the endpoint's window", lambda s: not s.payload)
            require(heard.window << ours == seen(window, 0, ours), f"{window} became {heard.window}")
        client.window_on_wire = endpoint.window_on_wire = None
        exchange(client, endpoint, 64 * 1024)


def linux(scene):
    """Linux on both sides, one or both told to leave options out."""
    spliced, relayed = ("spliced", None), ("relayed", "options-refused")
    with scene.linux_listener() as listener:
        for option in ("sack", "window_scaling", "timestamps"):
            for sides in (["client"], ["client", "endpoint"], ["endpoint"]):
                for side in ("client", "endpoint"):
                    scene.sysctl(side, f"net.ipv4.tcp_{option}", int(side not in sides))
                refused = option == "timestamps" and sides == ["endpoint"]
                for wanted in (relayed, spliced) if refused else (spliced,):
                    found = linux_exchange(scene, listener)
                    require(found == wanted, f"no {option} at {sides}: {found}")
            for side in ("client", "endpoint"):
                scene.sysctl(side, f"net.ipv4.tcp_{option}", 1)


def linux_exchange(scene, listener):
    client, server = scene.linux_pair(listener)
    row = scene.row_of(client)
    for one, other in [(client, server), (server, client)]:
        data = os.urandom(BYTES)
        sender = threading.Thread(target=one.sendall, args=(data,))
        sender.start()
        require(receive(other, BYTES) == data, "other bytes arrived")
        sender.join()
    client.close()
    server.close()
    time.sleep(0.5)
    return row["mode"], row.get("relay_reason")
