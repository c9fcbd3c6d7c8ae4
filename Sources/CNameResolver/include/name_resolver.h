/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver of the C library, which knows resolv.conf, repetition and TCP. */
#ifndef SLUICE_NAME_RESOLVER_H
#define SLUICE_NAME_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Asks for the records of a type (1: A, 28: AAAA) of a name. The answer's bytes, at most size; 0:
 * there is no such name or record; -1: nobody answered, or nobody who knows.
 *
 * server: an IPv4 address in host order and a port to ask in place of those of resolv.conf; 0: those.
 */
int query_name(const char *name, int type, uint32_t server, uint16_t port, uint8_t *answer,
	       size_t size);

/*
 * Addresses that the host knows of a name by itself, of 16 bytes each, IPv4 mapped; how many, at most
 * as many as there is room for.
 */
int host_addresses(const char *name, uint8_t *addresses, int most);

#endif
