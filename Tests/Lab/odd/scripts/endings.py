# SPDX-License-Identifier: Apache-2.0
"""DP-23, DP-24, DP-25: how connections end, and how their ports begin again."""
import random
import time

from ..packets import ACK, FIN, RST, SYN
from ..peer import live, require

LINGER = 3.0
"""As the configuration has it."""


def is_fin(segment):
    return segment.has(FIN)


def close(one, other):
    """An orderly end: FIN, ACK, FIN, ACK."""
    one.say(FIN | ACK)
    other.handle(other.hear("the first FIN", is_fin))
    one.hear("its ACK", lambda s: s.ack == one.next)
    other.say(FIN | ACK)
    one.handle(one.hear("the second FIN", is_fin))
    other.hear("its ACK", lambda s: s.ack == other.next)


def require_no_reset(*ends):
    for end in ends:
        end.wire.read()
        found = [s for s in end.wire.log if s.has(RST) and end.port in (s.sport, s.dport)]
        require(not found, f"{end.wire.name} saw {[*map(str, found)]}")


def half_close(scene, seconds):
    """The client has said all; the endpoint goes on."""
    client, endpoint = scene.splice()
    client.say(FIN | ACK)
    endpoint.handle(endpoint.hear("the client's FIN", is_fin))
    require(endpoint.has_fin, "the FIN came out of order")
    sent, began, looked_at = b"", time.monotonic(), 0
    while time.monotonic() < began + float(seconds):
        piece = random.randbytes(1000)
        sent += piece
        endpoint.send(piece)
        live(client, endpoint, until=lambda: client.received == sent and endpoint.is_acknowledged,
             what="a half-closed connection's data")
        if time.monotonic() > looked_at + 1:
            looked_at = time.monotonic()
            require(scene.state_of(client) == "closing", f"it is {scene.state_of(client)}")
        time.sleep(0.1)
    endpoint.say(FIN | ACK)
    fin = client.hear("the endpoint's FIN", is_fin)
    # The client has not acknowledged it: not over yet, however long.
    time.sleep(1)
    require(scene.state_of(client) == "closing", "over before the last acknowledgement")
    client.handle(fin)
    endpoint.hear("the last ACK", lambda s: s.ack == endpoint.next)
    closed_at = time.monotonic()
    scene.await_state(client, "closed")
    time.sleep(closed_at + LINGER - 0.5 - time.monotonic())
    require(scene.state_of(client) == "closed", "gone before the linger was over")
    scene.await_state(client, None, within=2)
    require_no_reset(client, endpoint)


def last_ack_lost(scene):
    """On either side of the balancer: the FIN comes again, crosses, and is acknowledged."""
    for closes_first in range(2):
        ends = scene.splice()
        one, other = ends[closes_first], ends[1 - closes_first]
        one.say(FIN | ACK)
        other.handle(other.hear("the first FIN", is_fin))
        other.say(FIN | ACK)
        fin = one.hear("the second FIN", is_fin)
        # The ACK is lost before the balancer: the flow is still closing.
        require(scene.state_of(ends[0]) == "closing", f"it is {scene.state_of(ends[0])}")
        again = repeat_fin(other, one)
        require(again.seq == fin.seq and again.ack == fin.ack, f"{fin} became {again}")
        one.handle(again)
        # This one passes the balancer and is lost behind it: the flow lingers.
        other.hear("the last ACK", lambda s: s.ack == other.next)
        scene.await_state(ends[0], "closed")
        again = repeat_fin(other, one)
        require(again.seq == fin.seq and again.ack == fin.ack, f"{fin} became {again}")
        one.handle(again)
        other.hear("the ACK again", lambda s: s.ack == other.next and s.seq == other.expected)
        require_no_reset(*ends)
        require(scene.state_of(ends[0]) == "closed", "gone too early")


def repeat_fin(sender, receiver):
    sender.say(FIN | ACK, seq=sender.next - 1)
    return receiver.hear("the FIN again", is_fin, within=1)


def same_port(scene, how, pause):
    """A client that comes again from its old port stands after one SYN."""
    for _ in range(3):
        client, endpoint = scene.splice()
        scene.talk(client, endpoint)
        if how == "client":
            close(client, endpoint)
        elif how == "endpoint":
            close(endpoint, client)
        else:
            client.say(RST)
            endpoint.hear("the RST", lambda s: s.has(RST))
        time.sleep(float(pause))
        if float(pause) < LINGER and how != "reset":
            require(scene.state_of(client) == "closed", f"it is {scene.state_of(client)}")
        again = scene.new_client(port=client.port)
        # Whatever the new number is: beyond the old ones, before them, or among them. The very
        # same one, right away, is taken for a repetition of the old hello until that is over.
        numbers = [client.next + 100_000, client.next - 100_000, client.next - 20]
        numbers += [client.isn] if float(pause) else []
        again.isn = again.next = random.choice(numbers) % (1 << 32)
        began = time.monotonic()
        # It sends one SYN, and would not send another.
        again, new_endpoint = scene.splice(again)
        took = time.monotonic() - began
        require(took < 0.5, f"the second connection took {took:.3f} s: somebody had to repeat")
        scene.talk(again, new_endpoint)
        close(again, new_endpoint)
        scene.await_state(again, "closed")
        rows = [row for row in scene.rows() if row["client"].endswith(f":{client.port}")]
        require(len(rows) == 1, f"{len(rows)} rows for one client's port")


def same_port_linux(scene):
    """Linux's own client, from TIME_WAIT after a second, or at once when the server closed first."""
    with scene.linux_listener() as listener:
        for is_first in (True, False) * 2:
            client, server = scene.linux_pair(listener, port=23_456)
            repeated = sum(1 for s in scene.client_log(23_456) if s.has(SYN) and s.is_sent)
            require(repeated == 1, f"{repeated} SYNs for one connection")
            scene.client_wire.log.clear()
            scene.linux_talk(client, server)
            for end in (client, server) if is_first else (server, client):
                end.close()
                time.sleep(0.05)
            # tcp_tw_reuse wants a second between them.
            time.sleep(1.1 if is_first else 0)


def simultaneous(scene):
    """FINs that cross, and their ACKs as well (RFC 9293, figure 13)."""
    client, endpoint = scene.splice()
    scene.talk(client, endpoint)
    client.say(FIN | ACK)
    endpoint.say(FIN | ACK)
    fins = [end.hear("the other's FIN", is_fin) for end in (client, endpoint)]
    require(scene.state_of(client) == "closing", f"it is {scene.state_of(client)}")
    for end, fin in zip((client, endpoint), fins):
        end.handle(fin)
    for end in (client, endpoint):
        end.hear("the ACK of its FIN", lambda s: s.ack == end.next)
    scene.await_state(client, "closed")
    scene.await_state(client, None, within=LINGER + 1)
    require_no_reset(client, endpoint)
