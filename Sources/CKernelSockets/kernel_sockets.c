/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "kernel_sockets.h"

#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int accept_nonblocking(int listener, struct sockaddr *peer, socklen_t *length)
{
	return accept4(listener, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int pipe_nonblocking(int ends[2])
{
	return pipe2(ends, O_NONBLOCK | O_CLOEXEC);
}

ssize_t splice_nonblocking(int source, int sink, size_t limit)
{
	return splice(source, NULL, sink, NULL, limit, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

void name_this_thread(const char *name)
{
	pthread_setname_np(pthread_self(), name);
}

static int interface_request(const char *name, unsigned long request, struct ifreq *details)
{
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result;

	if (descriptor < 0)
		return -1;
	memset(details, 0, sizeof(*details));
	strncpy(details->ifr_name, name, sizeof(details->ifr_name) - 1);
	result = ioctl(descriptor, request, details);
	close(descriptor);
	return result;
}

int interface_hardware_type(const char *name)
{
	struct ifreq details;

	return interface_request(name, SIOCGIFHWADDR, &details) ? -1 : details.ifr_hwaddr.sa_family;
}

int interface_mtu(const char *name)
{
	struct ifreq details;

	return interface_request(name, SIOCGIFMTU, &details) ? -1 : details.ifr_mtu;
}
