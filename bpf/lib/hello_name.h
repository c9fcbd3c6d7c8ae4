/* SPDX-License-Identifier: GPL-2.0-only */
/* The server name in a ClientHello (RFC 8446, 4.1.2; RFC 6066, 3), as far as the datapath reads
 * one. */
#ifndef SLUICE_HELLO_NAME_H
#define SLUICE_HELLO_NAME_H

#include "maps.h"
#include "parse.h"

/* A hello, whole: without stamp and sum. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hello_template);
} hellos SEC(".maps");

/* What is looked for. */
struct name_search {
	__u32 at; /* of the next extension */
	__u32 name;
	__u32 length; /* 0: not found */
};

#define HELLO_FIXED (5 + 4 + 2 + 32) /* headers, version and random */

static __always_inline __u32 hello_byte(const struct hello_template *hello, __u32 at)
{
	return at < TEMPLATE_PAYLOAD_MAX ? hello->payload[at] : 0;
}

static __always_inline __u32 hello_word(const struct hello_template *hello, __u32 at)
{
	return hello_byte(hello, at) << 8 | hello_byte(hello, at + 1);
}

static long search_step(__u32 index, struct name_search *search)
{
	__u32 first = 0, at = search->at, length;
	struct hello_template *hello = bpf_map_lookup_elem(&hellos, &first);

	if (!hello || at + 4 > hello->length)
		return 1;
	length = hello_word(hello, at + 2);
	if (at + 4 + length > hello->length)
		return 1;
	search->at = at + 4 + length;
	if (hello_word(hello, at))
		return 0;
	/* One name, of a host. */
	at += 4;
	if (length > 5 && hello_word(hello, at) == length - 2 && !hello_byte(hello, at + 2) &&
	    hello_word(hello, at + 3) == length - 5) {
		search->name = at + 5;
		search->length = length - 5;
	}
	return 1;
}

/* More extensions than any client sends. */
#define EXTENSIONS_MAX 40

/*
 * Reads as far as the name. That it is one whole ClientHello in one record is checked; what stands
 * behind the name is for the endpoint to judge.
 */
static __noinline int find_name(struct hello_template *hello, struct name_search *search)
{
	__u32 at = HELLO_FIXED, length = hello->length;

	if (length < HELLO_FIXED + 1 + 4 + 2 + 2 || hello_byte(hello, 0) != 22 ||
	    hello_byte(hello, 1) != 3 || hello_word(hello, 3) != length - 5 ||
	    hello_byte(hello, 5) != 1 || hello_byte(hello, 6) || hello_word(hello, 7) != length - 9)
		return 0;
	at += 1 + hello_byte(hello, at); /* session id */
	at += 2 + hello_word(hello, at); /* cipher suites */
	at += 1 + hello_byte(hello, at); /* compression methods */
	if (at + 2 > length || hello_word(hello, at) != length - at - 2)
		return 0;
	search->at = at + 2;
	bpf_loop(EXTENSIONS_MAX, search_step, search, 0);
	return search->length > 0;
}

#endif
