# SPDX-License-Identifier: Apache-2.0
"""DP-27, PR-07, PR-08: what a SYN may ask for and does not get, at no harm."""
import os
import threading

from ..packets import ACK, AE, CWR, ECE, SYN
from ..peer import Offer, live, require
from ..scene import hello, receive

ECN_BITS = 3
IPPROTO_MPTCP = 262
MPTCP, MD5, AUTHENTICATION, FAST_OPEN, ACCURATE_ECN = 30, 19, 29, 34, 172
MSG_FASTOPEN = 0x20000000
UNDERSTOOD = {2, 3, 4, 8}


def open_and_talk(scene, offer=Offer(), flags=SYN, traffic_class=0):
    """A client that asks for something; nothing of it may show on either wire."""
    client, endpoint = scene.new_client(offer), scene.new_endpoint()
    client.syn(flags, traffic_class=traffic_class)
    answer = client.hear("the SYN-ACK", lambda s: s.has(SYN, ACK))
    require(answer.flags == SYN | ACK, f"{answer}")
    require(not answer.traffic_class & ECN_BITS, f"the SYN-ACK may be marked: {answer}")
    kinds = {kind for kind, _ in answer.option_list()}
    require(kinds <= UNDERSTOOD, f"options {kinds - UNDERSTOOD} were promised: {answer}")
    client.agree(answer)
    client.say()
    client.send(hello())
    client.push()
    syn = scene.hear_syn()
    require(syn.flags == SYN, f"{syn}")
    require(not syn.traffic_class & ECN_BITS, f"{syn}")
    kinds = {kind for kind, _ in syn.option_list()}
    require(kinds <= UNDERSTOOD, f"options {kinds - UNDERSTOOD} in {syn}")
    endpoint.accept(syn)
    live(client, endpoint, until=lambda: endpoint.received == hello() and client.is_acknowledged,
         what="the hello's arrival")
    scene.talk(client, endpoint)
    require(scene.row_of(client)["mode"] == "spliced", f"{scene.row_of(client)}")
    return client, endpoint


def congestion_notification(scene):
    """Asked for as of RFC 3168, as of AccECN, and with packets of the handshake marked."""
    for flags in (ECE | CWR, ECE | CWR | AE, AE, CWR):
        for traffic_class in (0, 1, 2, 3):
            offer = Offer("mss sackok ts nop scale extra", extra=bytes([ACCURATE_ECN, 2]))
            client, endpoint = open_and_talk(scene, offer, SYN | flags, traffic_class)
    heard = [s for s in scene.endpoint_wire.log if not s.is_sent]
    require(not any(s.flags & (ECE | CWR | AE) for s in heard), "an ECN flag got through")


def marked_answers(scene):
    """An endpoint that marks its SYN-ACK: our ACK and the hello do not claim that we take part."""
    for traffic_class in (1, 2, 3):
        client, endpoint = scene.new_client(), scene.new_endpoint()
        client.open()
        client.send(hello())
        client.push()
        syn = scene.hear_syn()
        endpoint.remote, endpoint.remote_port = syn.source, syn.sport
        endpoint.accept(syn, traffic_class=traffic_class)
        first = endpoint.hear("the hello", lambda s: s.payload)
        require(not first.traffic_class & ECN_BITS, f"{first}")
        endpoint.handle(first)
        live(client, endpoint, until=lambda: client.is_acknowledged)
        scene.talk(client, endpoint)


def congestion_notification_of_linux(scene, client_has, endpoint_has):
    """Linux on one side or both: neither believes that the other takes part, and data pass."""
    scene.sysctl("client", "net.ipv4.tcp_ecn", client_has)
    scene.sysctl("endpoint", "net.ipv4.tcp_ecn", endpoint_has)
    data = os.urandom(1_000_000)
    with scene.linux_listener() as listener:
        client, server = scene.linux_pair(listener)
        for one, other in [(client, server), (server, client)]:
            sender = threading.Thread(target=one.sendall, args=(data,))
            sender.start()
            require(receive(other, len(data)) == data, "other bytes arrived")
            sender.join()
    port = client.getsockname()[1]
    asked = [s for s in scene.client_log(port) if s.flags & (ECE | CWR | AE)]
    require(all(s.has(SYN) and s.is_sent for s in asked), f"{[*map(str, asked)]}")
    require(bool(asked) == (client_has == "1"), f"{len(asked)} SYNs asked for ECN")
    scene.endpoint_wire.read()
    for segment in scene.client_log(port) + scene.endpoint_wire.log:
        require(not segment.traffic_class & ECN_BITS, f"marked: {segment}")
    for segment in scene.endpoint_wire.log:
        require(not segment.flags & (ECE | CWR | AE), f"{segment}")


def strange_options(scene):
    """Options that a balancer cannot keep are not echoed; what it does not know, neither."""
    head = "mss sackok ts nop scale extra"
    for extra in (
        bytes([FAST_OPEN, 2]), bytes([FAST_OPEN, 10]) + bytes(8),
        bytes([MPTCP, 4, 1, 0x81]), bytes([MPTCP, 12, 0, 0x81]) + bytes(8),
        bytes([MD5, 18]) + bytes(16), bytes([AUTHENTICATION, 16, 1, 1]) + bytes(12),
        bytes([254, 4, 0xF9, 0x89]), bytes([253, 8]) + bytes(6), bytes([14, 3, 1]),
    ):
        open_and_talk(scene, Offer(head, extra=extra))


def data_in_syn(scene, length):
    """The hello in the SYN, or its beginning: not acknowledged with it, so the client repeats."""
    offer = Offer("mss sackok ts nop scale extra", extra=bytes([FAST_OPEN, 2]))
    client, endpoint = scene.new_client(offer), scene.new_endpoint()
    early = hello()[: int(length)]
    client.syn(payload=early)
    answer = client.hear("the SYN-ACK at once", lambda s: s.has(SYN, ACK), within=0.5)
    require(answer.ack == (client.isn + 1) % (1 << 32), f"{answer}")
    require(answer.option(FAST_OPEN) is None and not answer.payload, f"{answer}")
    client.next = answer.ack
    client.agree(answer)
    client.send(hello())
    client.push()
    endpoint.accept(scene.hear_syn())
    live(client, endpoint, until=lambda: endpoint.received == hello() and client.is_acknowledged,
         what="the hello's arrival")
    scene.talk(client, endpoint)
    require(scene.row_of(client)["mode"] == "spliced", f"{scene.row_of(client)}")


def data_in_syn_of_linux(scene):
    """Linux's client with MSG_FASTOPEN and no cookie: its SYN brings the hello along."""
    # The client's side of it, and data without a cookie.
    scene.sysctl("client", "net.ipv4.tcp_fastopen", 5)
    with scene.linux_listener() as listener:
        client = scene.linux_socket()
        client.sendto(hello("linux.test"), MSG_FASTOPEN, (scene.vip, 443))
        server = listener.accept()[0]
        server.settimeout(5)
        wanted = hello("linux.test")
        require(receive(server, len(wanted)) == wanted, "another hello arrived")
        scene.linux_talk(client, server)
        syns = [s for s in scene.client_log(client.getsockname()[1]) if s.has(SYN) and s.is_sent]
        require(syns[0].payload, "Linux did not put its hello into the SYN")
        require(len(syns) == 1, f"{len(syns)} SYNs")
        require(scene.row_of(client)["mode"] == "spliced", f"{scene.row_of(client)}")


def multipath_of_linux(scene):
    """An MPTCP socket finds no MPTCP, and goes on as TCP."""
    with scene.linux_listener() as listener:
        client, server = scene.linux_pair(listener, protocol=IPPROTO_MPTCP)
        port = client.getsockname()[1]
        syn = next(s for s in scene.client_log(port) if s.has(SYN))
        require(syn.option(MPTCP) is not None, f"Linux did not ask for MPTCP: {syn}")
        for data in (b"small", os.urandom(200_000)):
            sender = threading.Thread(target=client.sendall, args=(data,))
            sender.start()
            require(receive(server, len(data)) == data, "other bytes arrived")
            sender.join()
            server.sendall(data)
            require(receive(client, len(data)) == data, "other bytes came back")
        others = [s for s in scene.client_log(port)[1:] if s.option(MPTCP) is not None]
        others = [s for s in others if not s.is_sent]
        require(not others, f"MPTCP was answered: {[*map(str, others)]}")
        require(scene.row_of(client)["mode"] == "spliced", f"{scene.row_of(client)}")
