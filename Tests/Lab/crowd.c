/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many connections that stay open, in one thread; as many as the hard limit of files allows.
 * Several servers share a port.
 *
 * crowd serve PORT: answers the first bytes of each connection with one byte. SIGTERM: prints how
 * many connections each address has, and ends.
 *
 * crowd connect ADDRESS PORT PORTS HELLO-FILE COUNT [PARALLEL]: connects to PORT, PORT + 1, ... in
 * turn, sends the file and waits for one byte. Prints one line of JSON when all are done, then
 * keeps the connections until it is ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FILES 1000000

static bool answered[FILES]; /* by descriptor */
static volatile sig_atomic_t stopping;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		die("crowd: getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("crowd: setrlimit");
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void watch(int poll, int fd, unsigned int events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	if (fd >= FILES || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event))
		die("crowd: epoll_ctl");
}

static int listen_on(int port)
{
	struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 8192))
		die("crowd: listen");
	return fd;
}

static void print_peers(void)
{
	struct {
		struct in6_addr address;
		long count;
	} peers[64] = {};
	int known = 0;

	for (int fd = 3; fd < FILES; fd++) {
		struct sockaddr_in6 peer;
		socklen_t size = sizeof(peer);
		int i = 0;

		if (!answered[fd] || getpeername(fd, (struct sockaddr *)&peer, &size))
			continue;
		while (i < known && memcmp(&peers[i].address, &peer.sin6_addr, 16))
			i++;
		if (i == 64)
			continue;
		if (i == known)
			peers[known++].address = peer.sin6_addr;
		peers[i].count++;
	}
	for (int i = 0; i < known; i++) {
		char text[INET6_ADDRSTRLEN];

		inet_ntop(AF_INET6, &peers[i].address, text, sizeof(text));
		printf("%s %ld\n", text, peers[i].count);
	}
}

static void serve(int port)
{
	int listener = listen_on(port), poll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[256];
	char hello[16384];

	watch(poll, listener, EPOLLIN);
	while (!stopping) {
		int n = epoll_wait(poll, events, 256, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			ssize_t size;

			if (fd == listener) {
				while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
					watch(poll, fd, EPOLLIN);
				continue;
			}
			size = recv(fd, hello, sizeof(hello), 0);
			if (size > 0 && !answered[fd]) {
				answered[fd] = send(fd, "!", 1, MSG_NOSIGNAL) == 1;
			} else if (size == 0 || (size < 0 && errno != EAGAIN)) {
				answered[fd] = false;
				close(fd);
			}
		}
	}
	print_peers();
}

static struct sockaddr_storage peer_of(const char *address, int port)
{
	struct sockaddr_storage peer = {};
	struct sockaddr_in *v4 = (void *)&peer;
	struct sockaddr_in6 *v6 = (void *)&peer;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
	} else {
		die("crowd: address");
	}
	return peer;
}

static void connect_all(char **argv, int argc)
{
	int port = atoi(argv[3]), ports = atoi(argv[4]), poll = epoll_create1(EPOLL_CLOEXEC);
	long want = atol(argv[6]), parallel = argc > 7 ? atol(argv[7]) : 500;
	long begun = 0, open = 0, failed = 0, sent = 0;
	struct epoll_event events[256];
	static char hello[1 << 16];
	FILE *file = fopen(argv[5], "rb");
	size_t length = file ? fread(hello, 1, sizeof(hello), file) : 0;
	double began = now(), moved = began;

	if (!length)
		die("crowd: hello");
	while (!stopping && open + failed < want && now() - moved < 20) {
		while (begun < want && begun - open - failed < parallel) {
			struct sockaddr_storage peer = peer_of(argv[2], port + begun % ports);
			int fd = socket(peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

			if (fd < 0)
				die("crowd: socket");
			begun++;
			if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) &&
			    errno != EINPROGRESS)
				die("crowd: connect");
			watch(poll, fd, EPOLLIN | EPOLLOUT | EPOLLET);
		}
		int n = epoll_wait(poll, events, 256, 1000);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			char byte;
			ssize_t size;

			if (events[i].events & EPOLLOUT && !answered[fd]) {
				if (send(fd, hello, length, MSG_NOSIGNAL) == (ssize_t)length) {
					answered[fd] = true; /* sent, here */
					sent++;
				}
			}
			size = recv(fd, &byte, 1, 0);
			if (size == 1) {
				open++;
				moved = now();
				epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL);
			} else if (size == 0 || errno != EAGAIN) {
				failed++;
				close(fd);
			}
		}
	}
	printf("{\"open\": %ld, \"failed\": %ld, \"seconds\": %.1f}\n", open, failed,
	       now() - began);
	fflush(stdout);
	while (!stopping)
		pause();
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGTERM, &action, NULL);
	allow_files();
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	else if (argc >= 7 && !strcmp(argv[1], "connect"))
		connect_all(argv, argc);
	else
		return 2;
	return 0;
}
