/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle serve PORT
 *     answers the first bytes of each connection with 8 bytes and keeps it open
 * idle hold ADDRESS PORT HELLO-FILE COUNT
 *     opens COUNT connections one after the other: sends the hello, waits for the answer. Prints one
 *     line of JSON when all are there, and holds them until its standard input ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[8] = "\x15\x03\x03\x00\x02\x01\x00\x0a";
static char hello[1 << 14];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void serve(int port)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct epoll_event events[256], event = {.events = EPOLLIN};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	int poll = epoll_create1(0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&own, sizeof(own)) || listen(listener, 8192))
		die("idle: bind");
	event.data.fd = listener;
	epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int n = epoll_wait(poll, events, 256, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listener) {
				event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
				if (event.data.fd >= 0)
					epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
			} else if (recv(fd, hello, sizeof(hello), 0) <= 0) {
				close(fd);
			} else {
				send(fd, answer, sizeof(answer), MSG_NOSIGNAL);
			}
		}
	}
}

static int open_one(const struct sockaddr_in *peer, size_t length)
{
	struct timeval limit = {.tv_sec = 5};
	char bytes[64];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		die("idle: socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return !connect(fd, (const struct sockaddr *)peer, sizeof(*peer)) &&
	       send(fd, hello, length, MSG_NOSIGNAL) == (ssize_t)length &&
	       recv(fd, bytes, sizeof(bytes), 0) > 0;
}

static void hold(const char *address, int port, const char *path, int count)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
	FILE *file = fopen(path, "rb");
	size_t length;
	int failed = 0;

	if (!file || inet_pton(AF_INET, address, &peer.sin_addr) != 1)
		die("idle: hold");
	length = fread(hello, 1, sizeof(hello), file);
	/* An endpoint that is full refuses all that follow. */
	for (int i = 0; i < count && failed < 10; i++)
		failed += !open_one(&peer, length);
	printf("{\"connections\": %d, \"failed\": %d}\n", count, failed);
	fflush(stdout);
	while (read(STDIN_FILENO, hello, sizeof(hello)) > 0)
		continue;
}

int main(int argc, char **argv)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc != 6 || strcmp(argv[1], "hold")) {
		fprintf(stderr, "usage: idle serve PORT | idle hold ADDRESS PORT HELLO-FILE COUNT\n");
		return 2;
	}
	hold(argv[2], atoi(argv[3]), argv[4], atoi(argv[5]));
	return 0;
}
