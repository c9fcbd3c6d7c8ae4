# SPDX-License-Identifier: Apache-2.0
"""Hellos in pieces of all kinds: in any order, over each other, cut anew, into small windows."""
import random
import time

from ..packets import ACK, NUMBERS, PSH, RST
from ..peer import Offer, live, require
from ..scene import NAME, hello


def begin(scene, client_window=60_000):
    client = scene.new_client(window=client_window)
    client.open()
    return client


def say_pieces(client, data, pieces, pause=0.0):
    """Segments of the hello, each (begin, end), in the order given; moves on to its end."""
    start = client.next
    for begin, end in pieces:
        client.say(ACK | PSH, data[begin:end], seq=start + begin)
        time.sleep(pause)
    client.outgoing, client.outgoing_from = data, start
    client.next = (start + len(data)) % NUMBERS


def finish(scene, client, data, what):
    """The endpoint gets the hello and nothing else, and both ends talk."""
    endpoint = scene.new_endpoint()
    # A relay's socket echoes no timestamp before it has heard one.
    client.stamps.add(0)
    # What such a socket did not get in order, the client says again.
    endpoint.accept(scene.hear_syn(client))
    live(client, endpoint, what=f"the arrival of {what}",
         until=lambda: len(endpoint.received) >= len(data) and client.is_acknowledged)
    require(endpoint.received == data, f"{what}: another hello arrived")
    scene.talk(client, endpoint)
    row = scene.row_of(client)
    client.say(RST | ACK)
    endpoint.say(RST | ACK)
    return row


def cuts(length, count):
    marks = [0, *sorted(random.sample(range(1, length), count - 1)), length]
    return list(zip(marks, marks[1:]))


def any_order(scene):
    """Three pieces at most are spliced whatever their order; more may be relayed."""
    data = hello()
    for count in (2, 3):
        for order in range(4):
            pieces = cuts(len(data), count)
            random.shuffle(pieces)
            client = begin(scene)
            say_pieces(client, data, pieces)
            row = finish(scene, client, data, f"{pieces}")
            require(row["mode"] == "spliced", f"{pieces}: {row}")
    pieces = [(at, at + 1) for at in range(len(data))]
    random.shuffle(pieces)
    client = begin(scene)
    say_pieces(client, data, pieces)
    row = finish(scene, client, data, "single bytes in disorder")
    require(row["relay_reason"] == "trickled-hello", f"{row}")


def overlapping(scene):
    """Pieces that repeat each other's bytes, before all of it was said and after."""
    data = hello()
    for _ in range(8):
        pieces = []
        for begin_at, end in cuts(len(data), 3):
            more = random.randrange(0, 100)
            pieces.append((max(0, begin_at - more), min(len(data), end + random.randrange(100))))
        random.shuffle(pieces)
        pieces.insert(random.randrange(3), random.choice(pieces))
        client = begin(scene)
        say_pieces(client, data, pieces)
        finish(scene, client, data, f"{pieces}")


def cut_anew(scene):
    """Repeated with other boundaries while the endpoint is silent, and after it lost the hello."""
    data = hello()
    client, endpoint = begin(scene), scene.new_endpoint()
    say_pieces(client, data, [(0, len(data))])
    syn = scene.hear_syn()
    start = client.outgoing_from
    for count in (2, 3, 5):
        for begin_at, end in cuts(len(data), count):
            client.say(ACK, data[begin_at:end], seq=start + begin_at)
    time.sleep(0.05)
    endpoint.accept(syn)
    first = endpoint.hear("the hello", lambda s: s.payload)
    require(first.payload == data, "the template is another hello")
    # The endpoint lost it. What the client repeats is translated, however it is cut.
    wanted = {}
    for begin_at, end in cuts(len(data), 4):
        client.say(ACK, data[begin_at:end], seq=start + begin_at)
        wanted[(endpoint.expected + begin_at) % NUMBERS] = data[begin_at:end]
    for seq, piece in wanted.items():
        endpoint.hear(f"the piece at {seq}", lambda s: s.seq == seq and s.payload == piece)
    # And with more behind it in one segment.
    client.say(ACK | PSH, data[-10:] + b"and more", seq=client.next - 10)
    client.outgoing += b"and more"
    live(client, endpoint, until=lambda: endpoint.received == data + b"and more"
         and client.is_acknowledged, what="all of it")
    require(scene.row_of(client)["mode"] == "spliced", f"{scene.row_of(client)}")
    scene.talk(client, endpoint)


def large(scene, length):
    """In full segments, in disorder, some of them twice."""
    data = hello(NAME, length)
    for _ in range(3):
        pieces = [(at, min(at + 1400, len(data))) for at in range(0, len(data), 1400)]
        pieces += random.sample(pieces, min(2, len(pieces)))
        random.shuffle(pieces)
        client = begin(scene)
        say_pieces(client, data, pieces)
        finish(scene, client, data, f"{len(data)} bytes as {pieces}")


def small_endpoint_window(scene):
    """An endpoint that has less room than the hello takes what fits, and the rest comes later."""
    data = hello()
    for window in (1, 100, 500):
        client, endpoint = begin(scene), scene.new_endpoint(Offer("mss sackok ts"), window=window)
        client.send(data)
        client.push()
        endpoint.accept(scene.hear_syn())
        first = endpoint.hear("the hello", lambda s: s.payload)
        endpoint.expected = (endpoint.expected + window) % NUMBERS
        endpoint.received = first.payload[:window]
        endpoint.say(window=0)
        live(client, endpoint, within=0.4, what="time", until=after(0.3))
        endpoint.window = 60_000
        endpoint.say()
        live(client, endpoint, what=f"the rest of a hello into {window} bytes",
             until=lambda: len(endpoint.received) >= len(data) and client.is_acknowledged)
        require(endpoint.received == data, "another hello arrived")
        scene.talk(client, endpoint)


def after(seconds):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def small_client_window(scene):
    """The endpoint hears of it with our ACK of its SYN-ACK, and keeps to it."""
    for window in (1, 536, 2000):
        client = scene.new_client(Offer("mss sackok ts"), window=window)
        client.open()
        client.send(hello())
        client.push()
        endpoint = scene.new_endpoint()
        endpoint.accept(scene.hear_syn())
        heard = endpoint.hear("the hello", lambda s: s.payload)
        require(heard.window == window, f"a window of {window} became {heard.window}")
        endpoint.handle(heard)
        data = random.randbytes(min(window * 20, 4000))
        endpoint.send(data)
        live(client, endpoint, what=f"data through a window of {window}",
             until=lambda: client.received == data and client.is_acknowledged)
        sent = [s for s in scene.endpoint_wire.log if s.is_sent and s.sport == endpoint.port
                and s.dport == endpoint.remote_port and s.payload]
        require(max(len(s.payload) for s in sent) <= window, "more than fits was sent")
