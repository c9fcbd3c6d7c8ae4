/* SPDX-License-Identifier: Apache-2.0 */
#include "name_resolver.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

int query_name(const char *name, int type, uint32_t server, uint16_t port, uint8_t *answer,
	       size_t size)
{
	struct __res_state state;
	int length, reason;

	memset(&state, 0, sizeof(state));
	if (res_ninit(&state))
		return -1;
	/* Who waits for the answer has others to ask for. */
	state.retrans = 1;
	state.retry = 2;
	if (server) {
		state.nscount = 1;
		memset(&state.nsaddr_list[0], 0, sizeof(state.nsaddr_list[0]));
		state.nsaddr_list[0].sin_family = AF_INET;
		state.nsaddr_list[0].sin_addr.s_addr = htonl(server);
		state.nsaddr_list[0].sin_port = htons(port);
	}
	length = res_nquery(&state, name, ns_c_in, type, answer, (int)size);
	reason = state.res_h_errno;
	res_nclose(&state);
	if (length < 0)
		return reason == HOST_NOT_FOUND || reason == NO_DATA ? 0 : -1;
	return length > (int)size ? (int)size : length;
}

int host_addresses(const char *name, uint8_t *addresses, int most)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *info;
	int count = 0;

	if (getaddrinfo(name, NULL, &hints, &list))
		return 0;
	for (info = list; info && count < most; info = info->ai_next) {
		uint8_t *place = addresses + 16 * count++;

		memset(place, 0, 16);
		if (info->ai_family == AF_INET6) {
			memcpy(place, &((struct sockaddr_in6 *)info->ai_addr)->sin6_addr, 16);
		} else {
			place[10] = place[11] = 0xff;
			memcpy(place + 12, &((struct sockaddr_in *)info->ai_addr)->sin_addr, 4);
		}
	}
	freeaddrinfo(list);
	return count;
}
