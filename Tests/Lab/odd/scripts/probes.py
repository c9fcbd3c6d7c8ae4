# SPDX-License-Identifier: Apache-2.0
"""DP-26: what is asked and answered without new data crosses whole, both ways."""
import socket
import time

from ..packets import ACK, NUMBERS, PSH, URG
from ..peer import require
from ..scene import hello, receive


def cross(sender, receiver, flags=ACK, payload=b"", **fields):
    """Says something out of the ordinary, and compares what comes out word for word."""
    seq_base, ack_base = sender.next, sender.expected
    their_seq_base, their_ack_base = receiver.expected, receiver.next
    said = sender.say(flags, payload, **fields)
    heard = receiver.hear(f"{said}", lambda s: s.payload == payload and s.flags == flags)
    pairs = [
        ("seq", (said.seq - seq_base) % NUMBERS, (heard.seq - their_seq_base) % NUMBERS),
        ("ack", (said.ack - ack_base) % NUMBERS, (heard.ack - their_ack_base) % NUMBERS),
        ("urgent", said.urgent, heard.urgent),
        ("kinds of options", [kind for kind, _ in said.option_list()],
         [kind for kind, _ in heard.option_list()]),
        ("traffic class", said.traffic_class, heard.traffic_class),
    ]
    for name, one, other in pairs:
        require(one == other, f"{name} {one} became {other}:\n{said}\n{heard}")
    return heard


def keepalive(scene):
    """With no byte or with one that was acknowledged long ago (RFC 9293, 3.8.4)."""
    client, endpoint = scene.splice()
    scene.talk(client, endpoint, b"the last byte is repeated")
    for sender, receiver in [(client, endpoint), (endpoint, client)] * 2:
        for garbage in (b"", b"\0"):
            before = sender.next
            cross(sender, receiver, ACK, garbage, seq=sender.next - 1)
            require(sender.next == before, "a probe moved the sender on")
            answer = cross(receiver, sender)
            require(answer.ack == sender.next, f"{answer} acknowledges something else")
    row = scene.row_of(client)
    sent = len(hello()) + len(b"the last byte is repeated")
    require(row["upstream"]["bytes"] == sent, f"probes were counted as data: {row}")
    require(row["state"] == "established", f"{row}")


def keepalive_of_linux(scene):
    """Linux asks after a second, and the other Linux answers, through the balancer."""
    with scene.linux_listener() as listener:
        client, server = scene.linux_pair(listener)
        scene.linux_talk(client, server)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in [("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 2), ("TCP_KEEPIDLE", 1)]:
            client.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        port = client.getsockname()[1]
        time.sleep(0.3)
        quiet = len(scene.client_log(port))
        time.sleep(3.5)
        asked = [s for s in scene.client_log(port)[quiet:] if s.is_sent]
        answered = [s for s in scene.client_log(port)[quiet:] if not s.is_sent]
        require(len(asked) >= 2, f"{len(asked)} probes")
        require(len(answered) >= len(asked) - 1, f"{len(answered)} answers to {len(asked)} probes")
        # Two without an answer would have ended it.
        scene.linux_talk(client, server)


def zero_window(scene):
    """A receiver that is full, probes by one byte, and its word that it has room again."""
    client, endpoint = scene.splice()
    scene.talk(client, endpoint)
    for sender, receiver in [(client, endpoint), (endpoint, client)]:
        receiver.window_on_wire = 0
        shut = cross(receiver, sender)
        require(shut.window == 0, f"a window of zero became {shut.window}")
        for _ in range(3):
            cross(sender, receiver, ACK, b"!", seq=sender.next)
            # Refused: its number is not acknowledged.
            sender.next = (sender.next - 1) % NUMBERS
            answer = cross(receiver, sender)
            require(answer.window == 0 and answer.ack == sender.next, f"{answer}")
        receiver.window_on_wire = None
        opened = cross(receiver, sender)
        require(opened.window == 60_000 >> 7, f"the window became {opened.window}")
        scene.talk(client, endpoint)


def zero_window_of_linux(scene):
    """A server that does not read, until Linux probes; then it reads all of it."""
    with scene.linux_listener() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client, server = scene.linux_pair(listener)
        client.setblocking(False)
        data, sent = bytes(range(256)) * 4096, 0
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            try:
                sent += client.send(data[sent : sent + 65536])
            except BlockingIOError:
                time.sleep(0.05)
        port = client.getsockname()[1]
        shut = [s for s in scene.client_log(port) if not s.is_sent and s.window == 0]
        require(len(shut) >= 2, "no window of zero, or no answer to a probe of it")
        require(receive(server, sent) == data[:sent], "other bytes arrived")
        client.settimeout(5)
        scene.linux_talk(client, server)


def urgent(scene):
    """The urgent pointer, which is an offset, stays what it is; so does one without URG."""
    client, endpoint = scene.splice()
    for sender, receiver in [(client, endpoint), (endpoint, client)]:
        for pointer in (1, 5, 300, 65535):
            heard = cross(sender, receiver, ACK | URG | PSH, b"urgent!", urgent=pointer)
            receiver.handle(heard)
            sender.handle(sender.hear("the ACK", lambda s: s.ack == sender.next))
        heard = cross(sender, receiver, ACK | URG, b"", urgent=9)
        heard = cross(sender, receiver, ACK | PSH, b"not urgent", urgent=77)
        receiver.handle(heard)
        sender.handle(sender.hear("the ACK", lambda s: s.ack == sender.next))
    scene.talk(client, endpoint)


def urgent_of_linux(scene):
    """The out-of-band byte of sockets arrives out of band, both ways."""
    with scene.linux_listener() as listener:
        client, server = scene.linux_pair(listener)
        for one, other in [(client, server), (server, client)]:
            one.sendall(b"before")
            one.send(b"!", socket.MSG_OOB)
            one.sendall(b"after")
            require(receive(other, 6) == b"before", "other bytes before it")
            time.sleep(0.1)
            require(other.recv(1, socket.MSG_OOB) == b"!", "another urgent byte")
            require(receive(other, 5) == b"after", "other bytes behind it")
