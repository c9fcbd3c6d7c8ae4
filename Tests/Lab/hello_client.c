/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello_client ADDRESS PORT HELLO-FILE [-c connections] [-p parallel] [-s seconds] [-t time-out]
 *     [-b first-port]
 *
 * Connects, sends the ready ClientHello of the file, reads until the peer has answered and closed
 * (or, with -f, until its first byte), and begins anew; -p of them at a time in one thread. Ends
 * after -c connections or -s seconds and prints one line of JSON. A connection fails on an error,
 * on an end without an answer, or after -t seconds. With -b, each has a port of its own, counted
 * upwards; else the kernel chooses, and may choose one twice once it is free.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES	 (1u << 20)
#define PARALLEL 16000

struct connection {
	int fd; /* -1: none */
	bool sent;
	size_t received;
	double began, answered;
};

static struct connection connections[PARALLEL];
static struct sockaddr_storage peer;
static char hello[1 << 16];
static size_t hello_length;
static float samples[SAMPLES]; /* microseconds from connect() to the first byte */
static long started, finished, failed, want = -1, errors[256];
static int parallel = 1, poller;
static double limit = 10, deadline = 1e18;
static bool first_byte;
static int port; /* of the next connection; 0: the kernel chooses */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void end(struct connection *c, int error)
{
	if (error) {
		errors[error & 255]++;
		failed++;
	} else {
		samples[finished % SAMPLES] = (c->answered - c->began) * 1e6;
	}
	finished++;
	close(c->fd);
	c->fd = -1;
}

static void take_port(int fd)
{
	/* Any address; sin6_port lies where sin_port does. */
	struct sockaddr_storage own = {.ss_family = peer.ss_family};

	((struct sockaddr_in *)&own)->sin_port = htons(port++);
	if (bind(fd, (struct sockaddr *)&own, sizeof(own))) {
		perror("hello_client: bind");
		exit(1);
	}
}

static void begin(struct connection *c)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
	int one = 1;

	if ((want >= 0 && started >= want) || now() >= deadline)
		return;
	started++;
	*c = (struct connection){.began = now()};
	c->fd = socket(peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		perror("hello_client: socket");
		exit(1);
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (port)
		take_port(c->fd);
	if (first_byte) { /* closes in mid-handshake: by RST, so that no TIME_WAIT piles up */
		struct linger none = {.l_onoff = 1};

		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	}
	if (connect(c->fd, (struct sockaddr *)&peer, sizeof(peer)) && errno != EINPROGRESS)
		end(c, errno);
	else
		epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
}

static void advance(struct connection *c)
{
	char answer[16384];
	ssize_t n;

	if (!c->sent) {
		n = send(c->fd, hello, hello_length, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return;
		if (n != (ssize_t)hello_length)
			return end(c, n < 0 ? errno : EMSGSIZE);
		c->sent = true;
	}
	while ((n = recv(c->fd, answer, sizeof(answer), 0)) > 0) {
		if (!c->received)
			c->answered = now();
		c->received += n;
		if (first_byte)
			return end(c, 0);
	}
	if (n == 0)
		end(c, c->received ? 0 : ENODATA);
	else if (errno != EAGAIN)
		end(c, errno);
}

static void run(void)
{
	struct epoll_event events[512];
	double checked = now();

	for (int i = 0; i < parallel; i++) {
		connections[i].fd = -1;
		begin(&connections[i]);
	}
	while (finished < started) {
		int n = epoll_wait(poller, events, 512, 100);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			advance(c);
			if (c->fd < 0)
				begin(c);
		}
		if (now() - checked < 0.1)
			continue;
		checked = now();
		for (int i = 0; i < parallel; i++) {
			struct connection *c = &connections[i];

			if (c->fd >= 0 && checked - c->began > limit)
				end(c, ETIMEDOUT);
			if (c->fd < 0)
				begin(c);
		}
	}
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void report(double seconds)
{
	long good = finished - failed;
	long n = good < SAMPLES ? good : SAMPLES;
	const char *comma = "";

	/* Failed ones left gaps of 0. */
	qsort(samples, finished < SAMPLES ? finished : SAMPLES, sizeof(float), by_size);
	float *sorted = samples + (finished < SAMPLES ? finished - good : 0);

	printf("{\"connections\": %ld, \"failed\": %ld, \"seconds\": %.3f, \"per_second\": %.1f, ",
	       finished, failed, seconds, good / seconds);
	printf("\"first_byte_us\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}, \"errors\": {",
	       n ? sorted[n / 2] : 0, n ? sorted[n * 99 / 100] : 0, n ? sorted[n - 1] : 0);
	for (int i = 0; i < 256; i++) {
		if (errors[i]) {
			printf("%s\"%s\": %ld", comma, strerror(i), errors[i]);
			comma = ", ";
		}
	}
	printf("}}\n");
}

static void set_peer(const char *address, int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
	} else {
		fprintf(stderr, "hello_client: %s is no address\n", address);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	int option;
	FILE *file;
	double began = now();

	while ((option = getopt(argc, argv, "b:c:p:s:t:f")) != -1) {
		switch (option) {
		case 'b':
			port = atoi(optarg);
			break;
		case 'c':
			want = atol(optarg);
			break;
		case 'p':
			parallel = atoi(optarg);
			break;
		case 's':
			deadline = began + atof(optarg);
			break;
		case 't':
			limit = atof(optarg);
			break;
		case 'f':
			first_byte = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3 || parallel < 1 || parallel > PARALLEL) {
		fprintf(stderr, "usage: hello_client [-c connections] [-p parallel] [-s seconds] "
				"[-t time-out] [-b first-port] [-f] ADDRESS PORT HELLO-FILE\n");
		return 2;
	}
	set_peer(argv[optind], atoi(argv[optind + 1]));
	file = fopen(argv[optind + 2], "rb");
	if (!file) {
		perror(argv[optind + 2]);
		return 2;
	}
	hello_length = fread(hello, 1, sizeof(hello), file);
	if (want < 0 && deadline > 1e17)
		want = 1;
	poller = epoll_create1(EPOLL_CLOEXEC);
	run();
	report(now() - began);
	return failed > 0;
}
