# SPDX-License-Identifier: Apache-2.0
"""DP-22: resets that are believed, and those that are not (RFC 5961, 3)."""
import socket
import struct
import time

from ..packets import ACK, RST, Segment
from ..peer import require

STEP, STEPS = 1 << 20, 4096


def last_of(wire, port, is_sent):
    """The newest segment of a connection on a wire, in one direction, by the peers' port there."""
    wire.read()
    return next(
        s for s in reversed(wire.log)
        if s.is_sent == is_sent and port in (s.sport, s.dport) and not s.has(RST)
    )


def forge(like, offset, flags):
    return Segment(
        like.source, like.destination, like.sport, like.dport, like.end + offset, like.ack, flags
    )


def reset_by_close(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def is_reset(connection):
    try:
        return not connection.recv(1)
    except ConnectionResetError:
        return True


def blind(scene):
    """Forged ones all over the numbers, on both wires: forwarded, for the ends to judge."""
    client, endpoint = scene.splice()
    scene.talk(client, endpoint)
    for sender, receiver in [(client, endpoint), (endpoint, client)]:
        for step in range(1, STEPS):
            sender.say(RST | (ACK if step % 2 else 0), seq=sender.next + step * STEP)
            if step % 200 == 0:
                time.sleep(0.01)
        for step in range(1, STEPS):
            heard = receiver.hear(f"RST {step}", lambda s: s.has(RST))
            distance = (heard.seq - receiver.expected) % (1 << 32)
            require(distance == step * STEP, f"RST {step} became {heard}")
    require(scene.state_of(client) == "established", f"it is {scene.state_of(client)}")
    scene.talk(client, endpoint)


def blind_on_linux(scene):
    """The same between Linux's own ends, which are not believed either."""
    with scene.linux_listener() as listener:
        client, server = scene.linux_pair(listener)
        scene.linux_talk(client, server)
        ports = client.getsockname()[1], server.getpeername()[1]
        for wire, port in zip(scene.wires, ports):
            like = last_of(wire, port, is_sent=True)
            for step in range(1, STEPS):
                wire.send(forge(like, step * STEP, RST | (ACK if step % 2 else 0)))
                if step % 200 == 0:
                    time.sleep(0.01)
        scene.linux_talk(client, server, bytes(300_000))
        require(scene.state_of(client) == "established", f"it is {scene.state_of(client)}")
        client.close()
        server.close()


def in_window(scene):
    """Not exact, but within the window: the challenge finds its way, and the flow lives."""
    with scene.linux_listener() as listener:
        client, server = scene.linux_pair(listener)
        scene.linux_talk(client, server)
        for sender, port, receiver, other_port in [
            (scene.client_wire, client.getsockname()[1], scene.endpoint_wire, server.getpeername()[1]),
            (scene.endpoint_wire, server.getpeername()[1], scene.client_wire, client.getsockname()[1]),
        ]:
            time.sleep(0.6)  # Linux challenges twice a second at most.
            sender.read()
            like = last_of(sender, port, is_sent=True)
            sender.waiting.clear()
            sender.send(forge(like, 1000, RST))
            deadline = time.monotonic() + 2
            challenge = None
            while not challenge and time.monotonic() < deadline:
                challenge = sender.take(lambda s: port in (s.sport, s.dport) and s.has(ACK))
                time.sleep(0.002)
            require(challenge, f"no challenge came back to {sender.name}")
            require(challenge.ack == like.end and challenge.seq == like.ack, f"{challenge}")
            scene.linux_talk(client, server)
        require(scene.state_of(client) == "established", f"it is {scene.state_of(client)}")
        client.close()
        server.close()


def exact(scene):
    """By either end, or in the name of either: both ends are closed, and the row goes."""
    with scene.linux_listener() as listener:
        for number in range(2):
            ends = client, server = scene.linux_pair(listener)
            name = client.getsockname()
            scene.linux_talk(client, server)
            port = client.getsockname()[1]
            reset_by_close(ends[number])
            require(is_reset(ends[1 - number]), "the other end was not reset")
            await_end(scene, port)
        for number in range(2):
            ends = client, server = scene.linux_pair(listener)
            scene.linux_talk(client, server)
            port = client.getsockname()[1]
            wire = scene.wires[number]
            local = [port, server.getpeername()[1]][number]
            wire.send(forge(last_of(wire, local, is_sent=True), 0, RST))
            require(is_reset(ends[1 - number]), "a forged RST was not believed")
            # The end in whose name it came still believes in the connection.
            time.sleep(0.2)
            ends[number].sendall(b"hello?")
            require(is_reset(ends[number]), "nobody told the other end")
            await_end(scene, port)


def await_end(scene, port):
    """The row is gone in about a second: half a second in which it might be revived, and a tick."""
    end = time.monotonic() + 1.5
    while any(row["client"].endswith(f":{port}") for row in scene.rows()):
        require(time.monotonic() < end, f"a row is left: {scene.rows()}")
        time.sleep(0.02)
