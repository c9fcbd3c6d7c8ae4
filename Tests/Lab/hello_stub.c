/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello_stub PORT: an endpoint that answers the first bytes of each connection with 8 bytes and
 * closes, on both families. It stands for a TLS server whose handshake costs nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[8] = "\x15\x03\x03\x00\x02\x01\x00\x0a";

static int listen_on(int port)
{
	struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 8192)) {
		perror("hello_stub");
		exit(1);
	}
	return fd;
}

/* The answer waits for the whole hello: closing with unread bytes would reset. */
static void serve(int fd)
{
	char hello[16384];
	ssize_t n = recv(fd, hello, sizeof(hello), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		int length = n >= 5 ? 5 + ((hello[3] & 255) << 8 | (hello[4] & 255)) : 0;

		while (n < length) {
			ssize_t more = recv(fd, hello, sizeof(hello), 0);

			if (more == 0 || (more < 0 && errno != EAGAIN))
				break;
			n += more > 0 ? more : 0;
		}
		send(fd, answer, sizeof(answer), MSG_NOSIGNAL);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256], event = {.events = EPOLLIN};
	int listener = listen_on(argc > 1 ? atoi(argv[1]) : 9443);
	int poll = epoll_create1(EPOLL_CLOEXEC);

	event.data.fd = listener;
	epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int n = epoll_wait(poll, events, 256, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd != listener) {
				serve(events[i].data.fd);
				continue;
			}
			for (;;) {
				event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
				if (event.data.fd < 0)
					break;
				epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
			}
		}
	}
}
