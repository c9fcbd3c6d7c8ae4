// SPDX-License-Identifier: Apache-2.0
// tun_wire NAMESPACE DEVICE NAMESPACE DEVICE: makes a tun device, which has no link header, in each
// of two network namespaces, and carries packets between them until it is killed.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "tun_wire: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_device(const char *namespace, const char *device)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	char path[256];
	int net, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	net = open(path, O_RDONLY | O_CLOEXEC);
	if (net < 0 || setns(net, CLONE_NEWNET))
		die(path);
	close(net);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		die("/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(fd, TUNSETIFF, &request))
		die(device);
	return fd;
}

int main(int argc, char **argv)
{
	static char packet[1 << 16];
	struct pollfd ends[2];

	if (argc != 5) {
		fprintf(stderr, "usage: tun_wire NAMESPACE DEVICE NAMESPACE DEVICE\n");
		return 2;
	}
	for (int i = 0; i < 2; i++)
		ends[i] = (struct pollfd){ open_device(argv[1 + 2 * i], argv[2 + 2 * i]), POLLIN, 0 };
	while (poll(ends, 2, -1) > 0)
		for (int i = 0; i < 2; i++)
			for (int n = 0; n < 64; n++) {
				ssize_t length = read(ends[i].fd, packet, sizeof(packet));

				if (length <= 0)
					break;
				/* A device that is down loses it, as a wire does. */
				if (write(ends[1 - i].fd, packet, (size_t)length) < 0)
					continue;
			}
	die("poll");
}
