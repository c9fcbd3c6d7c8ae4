/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYN cookies: our ISN is the kernel's cookie, and the low bits of our first timestamp keep the
 * options, so that a handshake whose note is gone still completes.
 */
#ifndef SLUICE_COOKIE_H
#define SLUICE_COOKIE_H

#include "answer.h"
#include "parse.h"
#include "tcp_options.h"

#define NOTE_SCALE_NONE 15 /* in the timestamp: the client offered no scale */

static __always_inline __u16 note_mss(__u32 index)
{
	switch (index & 3) {
	case 0:
		return 536;
	case 1:
		return 1220;
	case 2:
		return 1400;
	default:
		return 1440;
	}
}

static __always_inline __u32 note_mss_index(__u16 mss)
{
	return mss >= 1440 ? 3 : mss >= 1400 ? 2 : mss >= 1220 ? 1 : 0;
}

/* Our TSval in the SYN-ACK: milliseconds, with the low bits taken for the options. */
static __always_inline __u32 note_tsval(const struct tcp_options *options, __u64 now)
{
	__u32 scale = options->has_scale ? options->scale : NOTE_SCALE_NONE;
	__u32 bits = scale | (__u32)options->has_sack << 4 | note_mss_index(options->mss) << 5;

	return ((__u32)(now / 1000000) & ~((1u << TSVAL_NOTE_BITS) - 1)) | bits;
}

static __always_inline void note_from_tsval(struct handshake_note *note, __u32 tsval)
{
	__u32 scale = tsval & 15;

	note->tsval = tsval;
	note->flags |= HANDSHAKE_FLAG_TIMESTAMPS;
	note->mss = note_mss(tsval >> 5);
	if (tsval & 16)
		note->flags |= HANDSHAKE_FLAG_SACK;
	if (scale == NOTE_SCALE_NONE) {
		note->our_scale = 0;
	} else {
		note->flags |= HANDSHAKE_FLAG_WINDOW_SCALE;
		note->scale = scale;
	}
}

/* The cookie for a SYN with this header; negative: the kernel cannot. */
static __always_inline __s64 make_cookie(const struct packet *p, struct tcp_header_bytes *header)
{
	__u32 size = p->header;

	if (size < TCP_HEADER_MIN || size > TCP_HEADER_MAX)
		return -1;
	if (p->is_ipv6) {
		struct ipv6hdr ip = {};

		__builtin_memcpy(&ip.saddr, &p->tuple.saddr, 16);
		__builtin_memcpy(&ip.daddr, &p->tuple.daddr, 16);
		return bpf_tcp_raw_gen_syncookie_ipv6(&ip, &header->tcp, size);
	}
	struct iphdr ip = {};

	ip.saddr = p->tuple.saddr.word[3];
	ip.daddr = p->tuple.daddr.word[3];
	return bpf_tcp_raw_gen_syncookie_ipv4(&ip, &header->tcp, size);
}

/* Whether the packet acknowledges a cookie that we gave for the SYN right before it. */
static __noinline int check_cookie(struct packet *p)
{
	struct tcphdr tcp = {};

	tcp.source = p->tuple.sport;
	tcp.dest = p->tuple.dport;
	tcp.seq = bpf_htonl(p->seq);
	tcp.ack_seq = bpf_htonl(p->ack);
	tcp.ack = 1;
	tcp.doff = 5;
	if (p->is_ipv6) {
		struct ipv6hdr ip = {};

		__builtin_memcpy(&ip.saddr, &p->tuple.saddr, 16);
		__builtin_memcpy(&ip.daddr, &p->tuple.daddr, 16);
		return bpf_tcp_raw_check_syncookie_ipv6(&ip, &tcp) == 0;
	}
	struct iphdr ip = {};

	ip.saddr = p->tuple.saddr.word[3];
	ip.daddr = p->tuple.daddr.word[3];
	return bpf_tcp_raw_check_syncookie_ipv4(&ip, &tcp) == 0;
}

#endif
