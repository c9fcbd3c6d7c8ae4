/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP options (RFC 9293 3.1, RFC 7323, RFC 2018) in a buffer on the stack: the header is copied
 * there, so that an option may stand at any alignment. Knows no map.
 */
#ifndef SLUICE_TCP_OPTIONS_H
#define SLUICE_TCP_OPTIONS_H

#include <linux/types.h>

#define TCP_HEADER_MIN	20
#define TCP_HEADER_MAX	60
#define TCP_OPTIONS_MAX 40

#define TCPOPT_EOL	      0
#define TCPOPT_NOP	      1
#define TCPOPT_MSS	      2
#define TCPOPT_WINDOW	      3
#define TCPOPT_SACK_PERMITTED 4
#define TCPOPT_SACK	      5
#define TCPOPT_TIMESTAMP      8

#define WINDOW_SCALE_MAX 14 /* RFC 7323, 2.3 */

/* NOP NOP timestamps: how nearly every data packet carries them. */
#define TIMESTAMP_WORD 0x0101080a
/* SACK permitted, timestamps; and NOP, window scale 0: how a SYN has them. */
#define SACK_TIMESTAMP_WORD 0x0402080a
#define WINDOW_SCALE_WORD   0x01030300

/* 64 bytes, so that an index masked by 63 stays inside. */
struct tcp_option_bytes {
	__u8 byte[64];
};

struct tcp_options {
	__u32 tsval;
	__u32 tsecr;
	__u16 mss;
	__u8 scale;
	__u8 has_timestamps : 1;
	__u8 has_scale : 1;
	__u8 has_sack : 1;
};

static __always_inline __u8 option_at(const struct tcp_option_bytes *options, __u32 at)
{
	return options->byte[at & 63];
}

static __always_inline __u32 option_word(const struct tcp_option_bytes *options, __u32 at)
{
	return (__u32)option_at(options, at) << 24 | (__u32)option_at(options, at + 1) << 16 |
	       (__u32)option_at(options, at + 2) << 8 | option_at(options, at + 3);
}

static __always_inline void option_put_word(struct tcp_option_bytes *options, __u32 at, __u32 value)
{
	options->byte[at & 63] = value >> 24;
	options->byte[(at + 1) & 63] = value >> 16;
	options->byte[(at + 2) & 63] = value >> 8;
	options->byte[(at + 3) & 63] = value;
}

/* Reads one option of at least two bytes that lies whole inside the header. */
static __always_inline void read_option(struct tcp_options *to, const struct tcp_option_bytes *from,
					__u32 at, __u8 kind, __u8 length)
{
	if (kind == TCPOPT_MSS && length == 4) {
		to->mss = (__u16)option_at(from, at + 2) << 8 | option_at(from, at + 3);
	} else if (kind == TCPOPT_WINDOW && length == 3) {
		__u8 scale = option_at(from, at + 2);

		to->scale = scale > WINDOW_SCALE_MAX ? WINDOW_SCALE_MAX : scale;
		to->has_scale = 1;
	} else if (kind == TCPOPT_SACK_PERMITTED && length == 2) {
		to->has_sack = 1;
	} else if (kind == TCPOPT_TIMESTAMP && length == 10) {
		to->tsval = option_word(from, at + 2);
		to->tsecr = option_word(from, at + 6);
		to->has_timestamps = 1;
	}
}

/* A walk over options under way; the walks differ in what they do with an option. */
struct option_walk {
	struct tcp_option_bytes bytes;
	__u32 size; /* of all options, 0...40 */
	__u32 at;
};

/*
 * Steps to the next option of two bytes or more and past it. Returns its kind and leaves its
 * offset and length, or 0 at a NOP; -1 ends the walk: end of list, or a length that lies.
 */
static __always_inline int next_option(struct option_walk *walk, __u32 *at, __u8 *length)
{
	__u8 kind;

	*at = walk->at;
	if (*at >= walk->size || *at >= TCP_OPTIONS_MAX)
		return -1;
	kind = option_at(&walk->bytes, *at);
	if (kind == TCPOPT_EOL)
		return -1;
	if (kind == TCPOPT_NOP) {
		walk->at = *at + 1;
		return 0;
	}
	if (*at + 1 >= walk->size)
		return -1;
	*length = option_at(&walk->bytes, *at + 1);
	if (*length < 2 || *at + *length > walk->size)
		return -1;
	walk->at = *at + *length;
	return kind;
}

struct option_reading {
	struct option_walk walk;
	struct tcp_options options;
};

static long read_step(__u32 index, struct option_reading *reading)
{
	__u8 length = 0;
	__u32 at;
	int kind = next_option(&reading->walk, &at, &length);

	if (kind > 0)
		read_option(&reading->options, &reading->walk.bytes, at, kind, length);
	return kind < 0;
}

#endif
