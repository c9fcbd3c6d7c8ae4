/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "network_namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

static int current_namespace(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int network_namespace_return(int former)
{
	int result = setns(former, CLONE_NEWNET) ? -errno : 0;

	close(former);
	return result;
}

int network_namespace_create(void)
{
	int former = current_namespace();
	int created;

	if (former < 0)
		return former;
	if (unshare(CLONE_NEWNET)) {
		created = -errno;
		close(former);
		return created;
	}
	created = current_namespace();
	network_namespace_return(former);
	return created;
}

int network_namespace_enter(int namespace)
{
	int former = current_namespace();
	int result;

	if (former < 0 || !setns(namespace, CLONE_NEWNET))
		return former;
	result = -errno;
	close(former);
	return result;
}

int packet_socket_open(const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -errno;
}
