/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Everything that the datapath (BPF) and the daemon (Swift) both read or write: the only place
 * where a struct of both worlds is written. A change of the shape of a map bumps
 * DATAPATH_ABI_VERSION, which is part of the name under which maps are pinned.
 *
 * Another version takes rows over by the names of their members (Datapath/Migration). So a member
 * that changes its meaning changes its name, and states, flags and counters keep their numbers: new
 * ones come behind the last. Padding is called pad. A test runs this header in another order.
 *
 * "Wire" fields are in network byte order (__be16, __be32); all others are in host order.
 */
#ifndef SLUICE_DATAPATH_ABI_H
#define SLUICE_DATAPATH_ABI_H

#include <linux/types.h>

#define DATAPATH_ABI_VERSION 7u

/* Limits. */
#define SERVER_NAME_MAX	      256u  /* bytes of a stored name: 253, and zero filled */
#define TEMPLATE_PAYLOAD_MAX  2016u /* bytes of a ClientHello in one template segment */
#define TEMPLATE_SEGMENTS_MAX 16u   /* segments of one ClientHello that the kernel can send */
#define HELLO_CHUNK_MAX	      4096u /* bytes of a client's segment in one hello record */
#define WORKERS_MAX	      64u   /* each has a ring that wakes it and one that does not */
#define TEMPLATES_MAX	      8192u /* slots, of which the last ones are the datapath's own */
#define TEMPLATES_OWN	      4096u
#define TSVAL_NOTE_BITS	      7u /* low bits of our TSval in which the cookie keeps options */

#define SIZE_UNLIMITED 0xffffu /* of a packet: as large as IP allows */

/* Socket priority of what the daemon sends for a live flow; the egress guard lets it out. */
#define DAEMON_PRIORITY 0x51u

/* An IPv4 or IPv6 address. IPv4 is stored mapped: ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). */
struct ip_address {
	__be32 word[4];
};

/* One direction of a TCP connection as a packet names it. Map key: carries no hole. */
struct flow_tuple {
	struct ip_address saddr;
	struct ip_address daddr;
	__be16 sport;
	__be16 dport;
	__u32 protocol; /* IPPROTO_TCP */
};

/* The same without the protocol. */
struct flow_ends {
	struct ip_address saddr;
	struct ip_address daddr;
	__be16 sport;
	__be16 dport;
};

/* Life of a flow; the diagram stands in bpf/lib/flow.h. */
enum flow_state {
	FLOW_CONNECTING = 1,  /* SYN sent to the endpoint, no SYN-ACK yet */
	FLOW_ESTABLISHED = 2, /* both directions translate */
	FLOW_CLOSING = 3,     /* a FIN was seen in at least one direction */
	FLOW_CLOSED = 4,      /* FIN both ways, both acknowledged: lingers, still translates */
	FLOW_RESET = 5,	      /* an RST was seen: lingers, revived by later traffic */
};

enum flow_flag {
	FLOW_FLAG_UPSTREAM = 1 << 0,	 /* client to endpoint; clear: endpoint to client */
	FLOW_FLAG_TIMESTAMPS = 1 << 1,	 /* both ends agreed on RFC 7323 timestamps */
	FLOW_FLAG_SACK = 1 << 2,	 /* we promised the client SACK */
	FLOW_FLAG_WINDOW_SCALE = 1 << 3, /* we promised the client a window scale */
	FLOW_FLAG_STRIP_SACK = 1 << 4,	 /* the endpoint refused SACK: blank the client's blocks */
	FLOW_FLAG_FIN = 1 << 5,		 /* a FIN of this direction passed */
	FLOW_FLAG_PEER_FIN = 1 << 6,	 /* a FIN of the peer direction passed */
	FLOW_FLAG_FIN_ACKED = 1 << 7,	 /* this direction acknowledged the peer's FIN */
	FLOW_FLAG_UNSCALED = 1 << 8,	 /* the endpoint refused window scaling */
	FLOW_FLAG_OWNED = 1 << 9,	 /* upstream: owned bytes may not be acknowledged yet */
	FLOW_FLAG_FIN_FIRST = 1 << 10, /* a FIN of this direction passed before any of the peer's */
	FLOW_FLAG_PLAIN = 1 << 11,     /* of a plain listener: translated from the SYN on */
	FLOW_FLAG_ANSWERED = 1 << 12,  /* endpoint to client: its SYN-ACK came */
	FLOW_FLAG_UNTOLD = 1 << 13,    /* upstream: its worker's ring had no room for its end */
};

/* In the word of the flags, too: window scales, 0 if none, and how often a sender was told. */
#define FLOW_CLIENT_SCALE_SHIFT	  16 /* that the client offered */
#define FLOW_OUR_SCALE_SHIFT	  20 /* that we told the client */
#define FLOW_ENDPOINT_SCALE_SHIFT 24 /* of the endpoint's SYN-ACK */
#define FLOW_SCALE_MASK		  0xfu
#define FLOW_LIMIT_TOLD_SHIFT	  30 /* of size_limit, 0...3 */

/* Moments of a row are ticks of CLOCK_MONOTONIC (coarse) of 2^24 ns, modulo 2^32. */
#define TICK_SHIFT 24u

/* For so many ticks, a power of two, what the FIB said is believed. */
#define EPOCH_SHIFT 3u

/* A next hop, as the FIB says. */
struct next_hop {
	__u32 ifindex;		/* 0: not known */
	__u16 family;		/* AF_INET, AF_INET6 */
	__u16 mtu;		/* of the route, bytes of layer 3 */
	struct ip_address addr; /* wire; IPv4 in word[0] as the kernel's helper wants it */
};

/*
 * A way out that rows name by its slot in ways. A slot is another's as soon as no row was told for
 * long that this is its way: rows ask again before they use one that they have not used for an
 * epoch.
 */
#define WAYS_MAX     4096u
#define WAY_UNKNOWN  0u	     /* slot that is never used */
#define WAY_UNLISTED 0xffffu /* there was no slot: the FIB is asked for each packet */

struct way {
	__u32 confirmed; /* tick in which the FIB said so last; WAY_FREE, WAY_IN_WORK */
	__u32 is_direct; /* 1: the next hop is the packet's destination, and hop.addr zero */
	struct next_hop hop;
};

#define WAY_FREE    0u
#define WAY_IN_WORK 1u /* somebody writes it */

/*
 * What packets of one tuple become. Written by userspace when it programs the splice, from then
 * on by the kernel. Key: the tuple as packets arrive; one entry a direction. With its key and what
 * the kernel keeps of it, 248 bytes.
 */
struct flow_entry {
	struct flow_ends rewrite; /* tuple on the way out; reversed, it is the peer's key */
	__u32 seq_delta;	  /* added modulo 2^32 */
	__u32 ack_delta;	  /* added modulo 2^32, SACK edges too */
	__u32 tsval_delta;	  /* added modulo 2^32 */
	__u32 tsecr_delta;	  /* added modulo 2^32 unless TSecr is 0 without ACK; upstream while
				   * connecting: as if the endpoint's clock stood at 0 */
	__u32 flags;		  /* enum flow_flag, and above them what FLOW_..._SHIFT say */
	__s8 window_shift;	  /* > 0: window << n (saturating); < 0: window >> -n */
	__u8 state;		  /* enum flow_state */
	__u8 worker;		  /* whose ring hears of this flow, and who owns its port */
	__u8 template_segments;	  /* endpoint to client; 0 = no template */
	__u16 way;		  /* slot in ways; believed in the epoch of last_seen alone */
	__u16 size_limit;	  /* largest packet by the receiver's MSS, bytes of layer 3 */
	__u64 next_seq;		  /* end of what was sent so far, FIN included: low half as it
				   * arrives, high half counts the wraps */
	__u64 packets;
	__u64 bytes;	       /* TCP payload as seen, retransmissions included */
	__u64 created_ns;      /* CLOCK_MONOTONIC when the splice was programmed; with the
				* tuple it names one connection. In milliseconds, our SYN's TSval */
	__u32 last_ack;	       /* highest acknowledgement as it arrived; an RST towards the
				* sender of this direction carries it as its sequence number */
	__u32 last_seen;       /* tick of the last packet; 0 = none yet */
	__u32 last_data;       /* the same of the last packet that brought new data */
	__u32 ingress_ifindex; /* where packets of this direction came in last */
	__u32 first_seq;       /* of the first byte of this direction, as it arrives */
	__u32 own_isn;	       /* ours towards the sender of this direction: the cookie, or of
				* our SYN to the endpoint */
	__u32 server_name;     /* id in server_names, 0 = none */
	__u32 template_stamp;  /* of the first slot; other stamp = overwritten */
	__u16 template_slot;   /* the first slot in templates */
	__u16 listener;	       /* ids as in the names map */
	__u16 cluster;
	__u16 endpoint;	     /* index in the cluster when the flow began */
	__u16 hello_length;  /* the client's bytes in the template */
	__u16 client_window; /* window of the client's hello, unscaled as on the wire */
	__u16 owned_length;  /* bytes of ours in front of the client's first, in the template too */
	__u16 preface_length; /* the client's first bytes, which the endpoint does not get */
};

/*
 * A row as the programs of another version left it, for the program merge_row. Behind what a packet
 * has in front.
 */
struct left_row {
	__u8 link[16]; /* zero */
	struct flow_tuple tuple;
	struct flow_entry row; /* its state is FLOW_CONNECTING */
	__u8 state;	       /* what it is in truth */
	__u8 pad[7];
};

/* One segment of a ClientHello, ready to be sent by the kernel. Slot of an mmapped array. */
struct hello_template {
	__u32 stamp;  /* changes before and after each overwrite; odd: being written */
	__u32 length; /* bytes of payload, 1...TEMPLATE_PAYLOAD_MAX */
	__u32 sum;    /* one's complement sum of payload as 16-bit wire words */
	__u32 pad;
	__u8 payload[TEMPLATE_PAYLOAD_MAX];
};

/* What a SYN said, so that data that follows can be understood. Key: client's tuple. */
enum handshake_flag {
	HANDSHAKE_FLAG_TIMESTAMPS = 1 << 0,
	HANDSHAKE_FLAG_SACK = 1 << 1,
	HANDSHAKE_FLAG_WINDOW_SCALE = 1 << 2,
	HANDSHAKE_FLAG_ACKED = 1 << 3,	     /* the client completed the handshake */
	HANDSHAKE_FLAG_DATA = 1 << 4,	     /* a data segment was handed to the daemon */
	HANDSHAKE_FLAG_FROM_COOKIE = 1 << 5, /* rebuilt from cookie and timestamp */
};

struct handshake_note {
	__u32 client_isn;
	__u32 cookie;	  /* our ISN towards the client */
	__u32 tsval;	  /* ours in the SYN-ACK */
	__u32 ifindex;	  /* where the SYN came in */
	__u64 created_ns; /* CLOCK_MONOTONIC */
	__u16 mss;	  /* the client's, 536/1220 when unknown */
	__u16 listener;
	__u8 scale; /* the client's window scale, 0 if none */
	__u8 our_scale;
	__u16 flags; /* enum handshake_flag */
};

/* Key of the listeners map. A zero address is none: wildcards are expanded by the daemon. */
struct listener_key {
	struct ip_address addr;
	__be16 port;
	__u16 pad;
};

enum listener_flag {
	LISTENER_FLAG_NO_TIMESTAMPS = 1 << 0, /* endpoints refuse them: not promised */
	LISTENER_FLAG_TELLS_ACK = 1 << 1, /* the daemon hears of clients that said nothing yet */
	LISTENER_FLAG_PLAIN = 1 << 2,	  /* endpoints are picked by the datapath: plain_tables */
};

struct listener_entry {
	__u16 listener;	   /* id */
	__u16 mss;	   /* largest we promise the client */
	__u8 window_scale; /* ours */
	__u8 flags;	   /* enum listener_flag */
	__u16 window;	   /* in the SYN-ACK, unscaled */
	/* Of source_rules and source_limits, for all listeners and for this one; 0: none. */
	__u16 process_list;
	__u16 own_list;
	__u16 process_limit;
	__u16 own_limit;
};

#define PLAIN_SLOTS_MAX	    65537u  /* of a plain table */
#define PLAIN_ENDPOINTS_MAX 1024u   /* in a plain table */
#define PLAIN_SOURCES_MAX   4u	    /* of ours towards an endpoint */
#define PLAIN_TABLE_SIZE    221216u /* bytes of struct plain_table */

/* An endpoint that the datapath may pick. */
struct plain_endpoint {
	struct ip_address addr;
	struct ip_address source[PLAIN_SOURCES_MAX];
	__be16 port;
	__u16 sources;	/* how many */
	__u16 endpoint; /* index in the cluster */
	__u16 pad;
};

/*
 * Who gets the clients of a plain listener, of one address family: a Maglev table (Eisenbud et al.,
 * NSDI 2016, 3.4). Never changed: the daemon puts another in its place.
 */
struct plain_table {
	__u32 size;	   /* slots in use */
	__u32 hashes_port; /* 1: the client's port counts, not its address alone */
	__u16 cluster;
	__u16 pad[3];
	struct plain_endpoint endpoint[PLAIN_ENDPOINTS_MAX];
	/* Of endpoint; PLAIN_ENDPOINTS_MAX and above: nobody. Some more, since the verifier does
	 * not count exactly. */
	__u16 slot[PLAIN_SLOTS_MAX + 7];
};

_Static_assert(sizeof(struct plain_table) == PLAIN_TABLE_SIZE, "PLAIN_TABLE_SIZE");

/*
 * Hellos whose name a worker has routed before, and of which nothing else is asked: the datapath
 * sends the SYN to the endpoint itself, and the worker hears of it later. All of a worker's routes
 * are void once it has another epoch.
 */
#define KNOWN_NAME_MAX	  56u  /* bytes; who asks for a longer one waits for the worker */
#define KNOWN_TARGETS_MAX 256u /* of a worker */
#define KNOWN_PORTS_MAX	  256u /* ports at hand towards a target; a power of two */

struct known_name {
	__u32 epoch; /* of the worker, not 0 */
	__u16 listener;
	__u8 worker;
	__u8 is_ipv6;
	char text[KNOWN_NAME_MAX]; /* as the client writes it: lower case; zero filled */
};

struct known_route {
	__u16 target;  /* slot in known_targets */
	__u16 cluster; /* id */
	__u16 endpoint;
	__u16 segment_size; /* bytes of a segment of a hello, an even number; there are two at most
			     */
	__u32 server_name;  /* id */
	__u32 pad;
};

/* An endpoint and the ports of ours towards it that a worker has laid out for the datapath. */
struct known_target {
	__u32 taken; /* ports, ever: moved by whoever takes one, by compare and exchange */
	__u32 laid;  /* ports, ever: moved by the worker behind what it wrote */
	struct ip_address addr;
	struct ip_address source;
	__be16 port;
	__u16 pad[3];
	__be16 ports[KNOWN_PORTS_MAX]; /* of number n: at n modulo KNOWN_PORTS_MAX */
};

/* Key of source_rules, a trie: the longest prefix of a list decides. */
struct source_rule_key {
	__u32 prefix_length; /* of what follows, in bits: 32 for list and family, and the block's */
	__u16 list;
	__u16 family; /* AF_INET, AF_INET6: ::/0 says nothing of IPv4 */
	struct ip_address addr;
};

/* What a list says of a source. One that no block of a list holds may connect. */
enum source_rule {
	SOURCE_MAY_CONNECT = 1,
	SOURCE_IS_DROPPED = 2,
	SOURCE_IS_RESET = 3,
};

enum source_limit_flag {
	SOURCE_LIMIT_RESETS = 1 << 0,  /* who is over it is reset, not dropped */
	SOURCE_LIMIT_DRY_RUN = 1 << 1, /* who is over it is counted and let through */
	SOURCE_LIMIT_COUNTS = 1 << 2,  /* connections are limited: look into full_sources */
};

/* What the clients of one block of addresses may do. Value of source_limits. */
struct source_limit {
	__u64 interval_ns;	   /* between two connections; 0: as many as they like */
	__u64 tolerance_ns;	   /* how far ahead of that they may be */
	struct ip_address mask_v4; /* what of an address is its block's, mapped as the address */
	struct ip_address mask_v6;
	__u32 flags; /* enum source_limit_flag */
	__u32 pad;
};

/* Key of sources and full_sources: the clients of one block under one limit. */
struct source_key {
	struct ip_address addr; /* masked */
	__u32 limit;		/* key in source_limits */
};

/* A block's connections by the clock (GCRA: a token bucket in one number). */
struct source_pace {
	__u64 due_ns; /* CLOCK_MONOTONIC; when the next one would be due at an even pace */
};

/* Tuples of clients that a real socket of the relay serves. Key: client's tuple. */
struct adopted_entry {
	__u64 closed_ns; /* 0 while the socket is open; a SYN after that begins anew */
};

/* Record kinds in a worker's ring. */
enum record_kind {
	RECORD_HELLO = 1,	/* data of a client whose flow does not stand yet, or its ACK */
	RECORD_REFUSED = 2,	/* the endpoint answered the SYN with RST */
	RECORD_CHALLENGED = 3,	/* ... with a plain ACK: another port (RFC 5961) */
	RECORD_OPTIONS = 4,	/* ... with a SYN-ACK that lacks an option we promised */
	RECORD_ESTABLISHED = 5, /* SYN-ACK came (no wake-up) */
	RECORD_CLOSED = 6,	/* both FINs acknowledged (no wake-up) */
	RECORD_RESET = 7,	/* an RST passed (no wake-up) */
	RECORD_ABANDONED = 8,	/* the client reset before the flow stood */
	RECORD_ORPHANED = 9,	/* the other direction's entry was evicted */
	RECORD_STRAY = 10,	/* a client's segment of no flow and no handshake */
	RECORD_KILLED = 11,	/* an RST of ours ended a flow: flowdump kill (no wake-up) */
	RECORD_OPENED = 12,	/* a known name's SYN was sent to its endpoint (no wake-up) */
};

/* In front of every record. */
struct record_head {
	__u16 kind;	 /* enum record_kind */
	__u16 tcp_flags; /* byte 13 of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32 */
	__u32 length;	 /* bytes behind the record's struct */
};

/* HELLO, ABANDONED and STRAY. The client's bytes follow. */
struct hello_record {
	struct record_head head;
	struct flow_tuple tuple;    /* the client's, as the packet arrived */
	struct handshake_note note; /* while no flow exists; zero otherwise */
	__u64 created_ns;	    /* of the connecting flow, 0 = none yet */
	__u32 seq;		    /* of the first byte */
	__u32 ack;
	__u32 tsval; /* of the segment, 0 if none */
	__u32 tsecr;
	__u32 window;	   /* as on the wire, unscaled */
	__u32 header_sum;  /* one's complement sum of the TCP header, 16-bit words in memory order;
			    * 0: a part of a longer packet, whose sum nobody can check */
	__u16 header_size; /* bytes of TCP header */
	__be16 check;	   /* the header's checksum field */
	__u32 pad;
};

/* OPENED: as HELLO, but the client's bytes are in the template. */
struct opened_record {
	struct hello_record hello; /* with the note; created_ns: of the rows, 0: there are none */
	struct flow_tuple rewrite; /* of the client's row: balancer to endpoint */
	__u32 isn;
	__u32 template_slot;
	__u32 template_stamp;
	__u32 length; /* bytes of hello */
	__u16 cluster;
	__u16 endpoint;
	__u32 segments; /* of the template */
};

/* The other kinds: what happened to a flow. */
struct flow_record {
	struct record_head head;
	struct flow_tuple tuple;   /* as the packet arrived: the key of the flow */
	struct flow_tuple rewrite; /* of the flow: reversed, the key of its peer */
	__u64 created_ns;
	__u32 seq;
	__u32 ack;
	__u16 flow_flags; /* enum flow_flag */
	__u16 mss;	  /* of the endpoint's SYN-ACK; ESTABLISHED only */
	__u32 age_us;	  /* since created_ns; all ones: longer than that can say, or not told */
};

/* Listing names for flowdump. Key: kind << 16 | id. */
enum name_kind {
	NAME_LISTENER = 1,
	NAME_CLUSTER = 2,
};

struct name_entry {
	char text[64]; /* zero terminated */
};

struct server_name_entry {
	char text[SERVER_NAME_MAX]; /* zero terminated */
};

/* State that outlives a daemon: one element. */
struct instance_state {
	__u64 secret[2];	/* key of our initial sequence numbers */
	__u64 alive_until_ns;	/* CLOCK_MONOTONIC; clsact only: no handshakes after that */
	__u32 workers;		/* rings in use */
	__u32 admitted_entries; /* of flows, up to which flows are spliced; for reports, 0: unknown
				 */
	__u32 reload_refused;	/* 1: the last reload was, and an older configuration is in force */
	__u32 table_full;	/* 1: flows is above its watermark: plain listeners take nobody */
};

/* What a worker tells the datapath without a system call; a cache line each. Key: the worker. */
struct worker_state {
	__u32 awake; /* 1: it looks at its ring once more before it sleeps, and need not be woken */
	__u32 epoch; /* of its known names; 0: it has none */
	__u32 pad[14];
};

/* Most splices that a worker has removed by one run of end_splices. */
#define SPLICE_ENDS_MAX 128u

/* A splice that has lingered, for end_splices to remove. Slot of an mmapped array. */
struct splice_end {
	struct flow_tuple key; /* endpoint to client */
	__u64 created_ns;
	__u32 is_free; /* 1: its source port is; written by the program */
	__u32 pad;
};

/* What end_splices is run with. */
struct splice_end_range {
	__u32 first; /* slot */
	__u32 count; /* at most SPLICE_ENDS_MAX */
};

/* What map_usage answers: entries in each map. */
struct map_usage {
	__u64 flows;
	__u64 handshakes;
	__u64 listeners;
	__u64 adopted;
	__u64 relayed;
	__u64 names;
	__u64 server_names;
};

/* Connections that the relay serves, for flowdump. Key: client's tuple. */
struct relayed_entry {
	struct flow_tuple upstream; /* balancer to endpoint; zero before connect */
	__u64 created_ns;
	__u64 last_seen_ns;
	__u64 upstream_bytes;	/* client to endpoint */
	__u64 downstream_bytes; /* endpoint to client */
	__u32 server_name;
	__u16 listener;
	__u16 cluster;
	__u16 endpoint;
	__u8 reason; /* enum relay_reason */
	__u8 pad[5];
};

enum relay_reason {
	RELAY_LOCAL_CLIENT = 1,	   /* came by an ordinary listening socket */
	RELAY_OPTIONS_REFUSED = 2, /* the endpoint refused an option we promised */
	RELAY_URGENT_DATA = 3,
	RELAY_TRICKLED_HELLO = 4,
	RELAY_NO_ROUTE = 5,   /* no route, or an interface that is not attached */
	RELAY_TABLE_FULL = 6, /* flow table above its watermark */
	RELAY_SPLICING_OFF = 7,
	RELAY_ADDRESS_FAMILY = 8,  /* client and endpoint of different families */
	RELAY_NO_BPF = 9,	   /* no permission to load BPF */
	RELAY_LOCAL_ENDPOINT = 10, /* the endpoint lives on this host */
	RELAY_NO_PORT = 11,	   /* all source ports towards the endpoint in use */
	RELAY_DEFAULT_ROUTE = 12,  /* classification timed out, policy is the default route */
	RELAY_SERVER_FIRST = 13,   /* client waits for the endpoint, bytes of ours go first */
	RELAY_PROXY_HEADER = 14,   /* the header to the endpoint is shorter than the client's */
	RELAY_REASONS = 15,	   /* how many, not a reason */
};

/* What the daemon counts; it alone writes them. The order is that of flowdump --counters. */
enum daemon_counter {
	DAEMON_CLASSIFIED = 0,	       /* ClientHellos that were whole, but of listening sockets' */
	DAEMON_ESTABLISHED,	       /* splices that stood */
	DAEMON_ENDED,		       /* splices that are over */
	DAEMON_RELAYED,		       /* clients handed to the relay; not those that it accepted */
	DAEMON_REJECTED,	       /* clients turned away */
	DAEMON_FAILED_ATTEMPTS,	       /* attempts refused, timed out or challenged */
	DAEMON_CLIENT_HELLO_TOO_LARGE, /* hellos larger than the listener allows */
	DAEMON_CLIENT_HELLO_TIMED_OUT, /* hellos that were not whole in time */
	DAEMON_CLIENT_HELLO_DAMAGED,   /* segments of hellos with a wrong checksum */
	DAEMON_IDLE_PROBED,	       /* questions to quiet flows whether they live */
	DAEMON_IDLE_ENDED,	       /* flows ended for being idle */
	DAEMON_LIFETIME_ENDED,	       /* flows ended by their greatest age */
	DAEMON_EVICTED,		       /* live flows of which the kernel forgot a direction */
	DAEMON_RESTORED,	       /* ... and that were made whole again */
	DAEMON_DOWN_ENDED,	       /* flows ended because their endpoint was down */
	DAEMON_RELOADED,	       /* configurations that took the place of another */
	DAEMON_RELOAD_REFUSED,	       /* ... and that could not */
	DAEMON_HELLO_EVICTED,	       /* clients reset to make room: too many owe their hello */
	DAEMON_PROCESS_FULL,	       /* clients turned away: connections of the process */
	DAEMON_LISTENER_FULL,	       /* ... of their listener */
	DAEMON_CLUSTER_FULL,	       /* ... of their cluster */
	DAEMON_ENDPOINTS_FULL,	       /* ... of each endpoint of it */
	DAEMON_SOURCE_FULL,	       /* ... of their source */
	DAEMON_SOURCE_FULL_DRY_RUN,    /* clients let through that this would have turned away */
	DAEMON_SOCKET_DENIED,	       /* clients of a listening socket that a list denies */
	DAEMON_SOCKET_TOO_FAST,	       /* ... whose source opens connections too fast */
	DAEMON_SOCKET_FAST_DRY_RUN,    /* clients let through that this would have turned away */
	DAEMON_PROXY_HEADER_REJECTED,  /* trusted senders without a right PROXY header */
	DAEMON_COUNTERS,	       /* how many, not a counter */
};

/* Per-CPU counters: one a verdict. The order is the order of flowdump --counters. */
enum counter {
	COUNTER_TRANSLATED = 0,	  /* packets of established flows sent on */
	COUNTER_SYN_ANSWERED,	  /* SYN-ACKs sent to clients */
	COUNTER_HELLO_RECORDED,	  /* client segments handed to the daemon */
	COUNTER_HELLO_SENT,	  /* SYN-ACKs turned into our ACK, and the hello if there is one */
	COUNTER_HELLO_LOST,	  /* template overwritten: plain ACK sent, the client repeats */
	COUNTER_COOKIE_ACCEPTED,  /* notes rebuilt from a cookie */
	COUNTER_HANDSHAKE_ACK,	  /* pure ACKs that complete a handshake */
	COUNTER_PASS_NOT_TCP,	  /* to the stack or the next program: not TCP over IP */
	COUNTER_PASS_FRAGMENT,	  /* IP fragments of tuples that we cannot know */
	COUNTER_PASS_NO_FLOW,	  /* no flow, no listener */
	COUNTER_PASS_ADOPTED,	  /* a relay's socket owns the tuple */
	COUNTER_PASS_STRAY,	  /* to a listener, but of no handshake: the stack answers RST */
	COUNTER_PASS_NO_DAEMON,	  /* clsact: the daemon's heartbeat stopped */
	COUNTER_DROP_MALFORMED,	  /* TCP or IP header that contradicts itself, SYN or
				   SYN-ACK with a wrong checksum */
	COUNTER_PASS_EXTENSION,	  /* TCP behind an IPv6 header that we do not walk */
	COUNTER_DROP_CONNECTING,  /* segments of no use before a flow stands */
	COUNTER_DROP_RING_FULL,	  /* daemon too slow, or gone; the client repeats */
	COUNTER_DROP_NO_ROUTE,	  /* FIB has no way out */
	COUNTER_DROP_TTL,	  /* TTL or hop limit ran out */
	COUNTER_DROP_KERNEL,	  /* a helper failed: memory, mostly */
	COUNTER_DROP_LOCAL,	  /* egress guard: the local stack spoke for a spliced tuple */
	COUNTER_DROP_BAD_SYN_ACK, /* SYN-ACK that does not acknowledge our SYN */
	COUNTER_DROP_SYN_DATA,	  /* SYN with more than 3 KiB of data: repeated without */
	COUNTER_RESET_EARLY_FIN,  /* client closed before it sent a byte */
	COUNTER_DROP_FRAGMENT,	  /* first IP fragment of a flow's packet */
	COUNTER_DROP_STRAY,   /* to a listener, of no flow and no handshake: told to the daemon */
	COUNTER_DROP_TOO_BIG, /* larger than the way out: answered by an ICMP error */
	COUNTER_ICMP_TRANSLATED, /* ICMP errors about flows sent on */
	COUNTER_DROP_ICMP_STALE, /* ICMP errors that quote what no flow has under way */
	COUNTER_ICMP_SENT,	 /* ICMP errors of our own */
	COUNTER_ICMP_LIMITED,	 /* ... that were not sent: too many */
	COUNTER_SOURCE_DENIED,	 /* SYNs and hellos of sources that a list denies */
	COUNTER_SOURCE_FULL,	 /* ... of sources that have all the connections they may have */
	COUNTER_SOURCE_TOO_FAST, /* ... of sources that open connections too fast */
	COUNTER_FAST_DRY_RUN,	 /* hellos let through that this would have stopped */
	COUNTER_PLAIN_OPENED,	 /* SYNs to plain listeners sent on to an endpoint */
	COUNTER_PLAIN_REFUSED,	 /* ... reset: no endpoint may get them */
	COUNTER_PLAIN_FULL,	 /* ... dropped: no room in the table, or no source port */
	COUNTER_HELLO_ROUTED,	 /* hellos of known names: SYNs sent without asking the daemon */
	COUNTERS,		 /* how many, not a counter */
};

#endif
