# SPDX-License-Identifier: Apache-2.0
"""The lab around a script: two wires, addresses that no kernel owns, and what flowdump says."""
import functools
import json
import pathlib
import random
import socket
import subprocess
import sys
import time

from .packets import ACK, SYN
from .peer import Offer, Peer, listen, live, require
from .wire import Wire, inside

LAB = pathlib.Path(__file__).parent.parent
NAME, LINUX_NAME = "odd.test", "linux.test"

# Beside what the lab's own stacks have: these addresses are ours alone, so no kernel answers.
ADDRESSES = {
    "v4": {"vip": "192.0.2.1", "client": "198.51.100.50", "endpoint": "10.0.0.50",
           "kernel_client": "198.51.100.10", "kernel_endpoint": "10.0.0.10"},
    "v6": {"vip": "2001:db8:f::1", "client": "2001:db8:c::50", "endpoint": "fd00:e::50",
           "kernel_client": "2001:db8:c::10", "kernel_endpoint": "fd00:e::10"},
}
VIP_PORT, ENDPOINT_PORT = 443, 9700


@functools.cache
def hello(name=NAME, *longer):
    """A ClientHello."""
    line = [LAB / "make_hello.py", name, *map(str, longer)]
    return subprocess.run(line, capture_output=True, check=True).stdout


def receive(connection, count):
    data = b""
    while len(data) < count and (piece := connection.recv(count - len(data))):
        data += piece
    return data


class Scene:
    def __init__(self, lab, family, flowdump):
        self.lab, self.flowdump = lab, flowdump
        self.__dict__.update(ADDRESSES[family])
        self.af = socket.AF_INET6 if family == "v6" else socket.AF_INET
        balancer = f"{lab}-balancer"
        self.client_wire = Wire(f"{lab}-client", "net0", (balancer, "front"))
        self.endpoint_wire = Wire(f"{lab}-endpoint", "net0", (balancer, "back"))
        for address, wire, device in [
            (self.client, self.client_wire, "front"), (self.endpoint, self.endpoint_wire, "back"),
        ]:
            mac = ":".join(f"{byte:02x}" for byte in wire.mac)
            line = ["ip", "-n", balancer, "neigh", "replace", address, "lladdr", mac, "dev", device]
            subprocess.run([*line, "nud", "permanent"], check=True)
        self.vip_port, self.endpoint_port, self.mtu = VIP_PORT, ENDPOINT_PORT, 1500
        self.next_port = random.randrange(20_000, 50_000)

    @property
    def wires(self):
        return [self.client_wire, self.endpoint_wire]

    # Ends of connections.

    def new_client(self, offer=Offer(), port=None, **more):
        if port is None:
            self.next_port += 1
            port = self.next_port
        remote = (self.vip, self.vip_port)
        return Peer(self.client_wire, self.client, port, offer, remote, mtu=self.mtu, **more)

    def new_endpoint(self, offer=Offer(), **more):
        wire, port = self.endpoint_wire, self.endpoint_port
        return Peer(wire, self.endpoint, port, offer, mtu=self.mtu, **more)

    def hear_syn(self, *clients, within=3.0):
        """The SYN of a new connection to the endpoint; clients go on repeating meanwhile."""
        def is_wanted(s):
            return s.flags & (SYN | ACK) == SYN and (s.destination, s.dport) == address

        address = self.endpoint, self.endpoint_port
        end = time.monotonic() + within
        while True:
            syn = listen(self.endpoint_wire, is_wanted, 0.02 if clients else within)
            if syn:
                return syn
            require(time.monotonic() < end, "no SYN reached the endpoint")
            for client in clients:
                client.act()

    def splice(self, client=None, endpoint=None, name=NAME):
        """A connection up to the hello's acknowledgement by the endpoint."""
        client = client or self.new_client()
        endpoint = endpoint or self.new_endpoint()
        client.open()
        client.send(hello(name))
        client.push()
        endpoint.accept(self.hear_syn())
        live(client, endpoint, until=lambda: len(endpoint.received) >= len(hello(name))
             and client.is_acknowledged, what="the hello's arrival")
        require(endpoint.received == hello(name), "another hello arrived")
        return client, endpoint

    def talk(self, client, endpoint, data=b"are you there?"):
        """Both ends send, and both get it."""
        wanted = [(end, end.received + data) for end in (client, endpoint)]
        client.send(data)
        endpoint.send(data)
        live(client, endpoint, until=lambda: all(end.received == all for end, all in wanted)
             and client.is_acknowledged and endpoint.is_acknowledged, what="a talk both ways")

    # Linux's own TCP, where a script wants it on one side or both.

    def linux_listener(self, port=ENDPOINT_PORT):
        with inside(self.endpoint_wire.name):
            listener = socket.create_server((self.kernel_endpoint, port), family=self.af)
        listener.settimeout(5)
        return listener

    def linux_socket(self, protocol=0, port=0):
        with inside(self.client_wire.name):
            client = socket.socket(self.af, socket.SOCK_STREAM, protocol)
        client.settimeout(5)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((self.kernel_client, port))
        return client

    def linux_client(self, name=LINUX_NAME, **options):
        """Connected, its hello sent."""
        client = self.linux_socket(**options)
        client.connect((self.vip, VIP_PORT))
        client.sendall(hello(name))
        return client

    def linux_pair(self, listener, **options):
        """Both ends of a connection whose hello came through."""
        client = self.linux_client(**options)
        server = listener.accept()[0]
        server.settimeout(5)
        wanted = hello(options.get("name", LINUX_NAME))
        require(receive(server, len(wanted)) == wanted, "another hello arrived")
        return client, server

    def linux_talk(self, client, server, data=b"are you there?"):
        for one, other in [(client, server), (server, client)]:
            one.sendall(data)
            require(receive(other, len(data)) == data, "other bytes arrived")

    def sysctl(self, role, name, value):
        line = ["nsenter", f"--net=/run/netns/{self.lab}-{role}", "sysctl", "-q", "-w"]
        subprocess.run([*line, f"{name}={value}"], check=True)

    def client_log(self, port):
        """What the client's wire saw of a connection."""
        self.client_wire.read()
        return [s for s in self.client_wire.log if port in (s.sport, s.dport)]

    # What flowdump says.

    def ask(self, *arguments):
        line = [self.flowdump, *arguments, "--instance", self.lab]
        return subprocess.run(line, capture_output=True, check=True, text=True).stdout

    def rows(self, *filters):
        lines = self.ask("-o", "jsonl", *filters).splitlines()
        return [json.loads(line) for line in lines]

    def row_of(self, client):
        """The row of a client's connection, or None."""
        if isinstance(client, socket.socket):
            address, port = client.getsockname()[:2]
        else:
            address, port = client.address, client.port
        name = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        return next((row for row in self.rows() if row["client"] == name), None)

    def state_of(self, client):
        row = self.row_of(client)
        return row and row["state"]

    def await_state(self, client, state, within=2.0):
        end = time.monotonic() + within
        while (found := self.state_of(client)) != state:
            require(time.monotonic() < end, f"the flow is {found}, not {state}, after {within} s")
            time.sleep(0.02)

    def counters(self):
        return json.loads(self.ask("counters", "-o", "json"))["counters"]

    # What went wrong.

    def evidence(self):
        for wire in self.wires:
            wire.read()
            print(f"── {wire.name}, the last of {len(wire.log)}", file=sys.stderr)
            for segment in wire.log[-40:]:
                print(segment, file=sys.stderr)
