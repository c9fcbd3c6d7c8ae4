// SPDX-License-Identifier: Apache-2.0
// wan STATE A B [C D]...: joins pairs of Ethernet devices as bad, long ways do.
//
// STATE/wan.options says how, words apart by white space, and is read at the start and at SIGHUP:
//   loss=P         percent of the frames that vanish       burst=N     so many in a row (1)
//   duplicate=P    percent that come twice                 delay=MS    for every frame
//   reorder=P      percent held back by `held` ms (4)      jitter=MS   more delay, 0 to MS, in order
//   corrupt=P      percent with a bit of the payload flipped under the right checksum of before
//   seed=N         of the random numbers (1)
// What was done under the options before goes to STATE/wan.counts, which so says that the new ones
// hold.
//
// Frames come and go with their virtio-net headers: super-packets and partial checksums stay what
// they were. A super-packet is one frame here; it is never corrupted, since it has no checksum.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum { MAX_PORTS = 16, MAX_FRAME = 1 << 17, MAX_HEAP = 1 << 20 };

struct options {
	double loss, burst, duplicate, reorder, corrupt, delay, jitter, held;
	uint64_t seed;
};

struct frame {
	uint64_t due; // ns of CLOCK_MONOTONIC
	uint64_t order;
	int port; // where it goes out
	uint32_t length;
	unsigned char bytes[]; // virtio-net header and Ethernet frame
};

struct port {
	int fd;
	uint64_t last_due;
	int losing; // how many more of the burst are lost
};

static struct port ports[MAX_PORTS];
static int port_count;
static struct options options;
static const char *state;
static struct frame *heap[MAX_HEAP];
static size_t heap_size;
static uint64_t sequence, random_state;
static volatile sig_atomic_t reload_asked;
static struct {
	unsigned long frames, lost, duplicated, reordered, corrupted, refused;
} counts;

static void die(const char *what)
{
	fprintf(stderr, "wan: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// SplitMix64.
static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double fraction(void)
{
	return (double)(next_random() >> 11) / (double)(1ULL << 53);
}

static int happens(double percent)
{
	return percent > 0 && fraction() * 100 < percent;
}

static void set_option(char *word)
{
	static const struct {
		const char *name;
		size_t offset;
	} numbers[] = {
		{ "loss", offsetof(struct options, loss) },
		{ "burst", offsetof(struct options, burst) },
		{ "duplicate", offsetof(struct options, duplicate) },
		{ "reorder", offsetof(struct options, reorder) },
		{ "corrupt", offsetof(struct options, corrupt) },
		{ "delay", offsetof(struct options, delay) },
		{ "jitter", offsetof(struct options, jitter) },
		{ "held", offsetof(struct options, held) },
	};
	char *value = strchr(word, '=');

	if (value) {
		*value++ = 0;
		if (!strcmp(word, "seed")) {
			options.seed = strtoull(value, NULL, 0);
			return;
		}
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			if (strcmp(word, numbers[i].name))
				continue;
			*(double *)((char *)&options + numbers[i].offset) = strtod(value, NULL);
			return;
		}
	}
	fprintf(stderr, "wan: no option %s\n", word);
	exit(2);
}

static void read_options(void)
{
	char path[512], text[1024];
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "%s/wan.options", state);
	file = fopen(path, "r");
	if (!file)
		die(path);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = 0;
	fclose(file);
	options = (struct options){ .burst = 1, .held = 4, .seed = 1 };
	for (char *word = strtok(text, " \n\t"); word; word = strtok(NULL, " \n\t"))
		set_option(word);
	random_state = options.seed;
}

static void report(void)
{
	char path[512], draft[520];
	FILE *file;

	snprintf(path, sizeof(path), "%s/wan.counts", state);
	snprintf(draft, sizeof(draft), "%s.new", path);
	file = fopen(draft, "w");
	if (!file)
		die(draft);
	fprintf(file,
		"{\"frames\": %lu, \"lost\": %lu, \"duplicated\": %lu, \"reordered\": %lu, "
		"\"corrupted\": %lu, \"refused\": %lu}\n",
		counts.frames, counts.lost, counts.duplicated, counts.reordered, counts.corrupted,
		counts.refused);
	fclose(file);
	memset(&counts, 0, sizeof(counts));
	if (rename(draft, path))
		die(path);
}

static void open_port(const char *device)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(device),
	};
	int one = 1, buffer = 64 << 20;
	struct packet_mreq all = { .mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	if (fd < 0 || !address.sll_ifindex || port_count == MAX_PORTS ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die(device);
	ports[port_count++].fd = fd;
}

static int is_before(const struct frame *a, const struct frame *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void push(struct frame *frame)
{
	size_t at = heap_size++;

	while (at && is_before(frame, heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = frame;
}

static struct frame *pop(void)
{
	struct frame *first = heap[0], *last = heap[--heap_size];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= heap_size)
			break;
		if (child + 1 < heap_size && is_before(heap[child + 1], heap[child]))
			child++;
		if (!is_before(heap[child], last))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = last;
	return first;
}

static void enqueue(const unsigned char *bytes, uint32_t length, int port, uint64_t due)
{
	struct frame *frame;

	if (heap_size == MAX_HEAP) {
		counts.refused++;
		return;
	}
	frame = malloc(sizeof(*frame) + length);
	if (!frame)
		die("malloc");
	*frame = (struct frame){ .due = due, .order = sequence++, .port = port, .length = length };
	memcpy(frame->bytes, bytes, length);
	push(frame);
}

static uint32_t sum(uint32_t total, const unsigned char *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		total += i & 1 ? bytes[i] : bytes[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

// Flips a bit of the last byte. A checksum that the kernel has yet to fill in is filled in before:
// the addresses' part of it stands there already.
/* Each port has a bit of its own: what two of them corrupt must not become right again. */
static int corrupt(int from, unsigned char *bytes, uint32_t length)
{
	struct virtio_net_hdr header;
	unsigned char *frame = bytes + sizeof(header);
	uint32_t frame_length = length - (uint32_t)sizeof(header);

	memcpy(&header, bytes, sizeof(header));
	if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE || frame_length < 80)
		return 0;
	if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		uint32_t start = header.csum_start;
		uint16_t value = htons(~sum(0, frame + start, frame_length - start) & 0xffff);

		memcpy(frame + start + header.csum_offset, &value, 2);
	}
	memset(bytes, 0, sizeof(header));
	frame[frame_length - 1] ^= 1 << (from & 7);
	return 1;
}

static int is_lost(struct port *port)
{
	if (port->losing) {
		port->losing--;
		return 1;
	}
	if (!happens(options.loss / options.burst))
		return 0;
	port->losing = (int)options.burst - 1;
	return 1;
}

static void take(int from, unsigned char *bytes, uint32_t length)
{
	struct port *port = &ports[from];
	uint64_t due = now() + (uint64_t)((options.delay + options.jitter * fraction()) * 1e6);

	counts.frames++;
	if (is_lost(port)) {
		counts.lost++;
		return;
	}
	if (happens(options.corrupt))
		counts.corrupted += corrupt(from, bytes, length);
	if (happens(options.reorder)) {
		counts.reordered++;
		due += (uint64_t)(options.held * 1e6);
	} else {
		if (due < port->last_due)
			due = port->last_due;
		port->last_due = due;
	}
	enqueue(bytes, length, from ^ 1, due);
	if (happens(options.duplicate)) {
		counts.duplicated++;
		enqueue(bytes, length, from ^ 1, due);
	}
}

static void send_due(void)
{
	uint64_t time = now();

	while (heap_size && heap[0]->due <= time) {
		struct frame *frame = pop();

		if (send(ports[frame->port].fd, frame->bytes, frame->length, 0) < 0)
			counts.refused++;
		free(frame);
	}
}

static void receive(int from)
{
	static unsigned char bytes[MAX_FRAME];

	for (int i = 0; i < 64; i++) {
		ssize_t length = recv(ports[from].fd, bytes, sizeof(bytes), 0);

		if (length <= (ssize_t)sizeof(struct virtio_net_hdr))
			return;
		take(from, bytes, (uint32_t)length);
	}
}

static void ask_reload(int signal)
{
	(void)signal;
	reload_asked = 1;
}

int main(int argc, char **argv)
{
	struct pollfd polls[MAX_PORTS];
	sigset_t blocked, open;

	if (argc < 4 || argc % 2) {
		fprintf(stderr, "usage: wan STATE A B [C D]...\n");
		return 2;
	}
	state = argv[1];
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, &open);
	signal(SIGHUP, ask_reload);
	for (int i = 2; i < argc; i++) {
		open_port(argv[i]);
		polls[i - 2] = (struct pollfd){ .fd = ports[i - 2].fd, .events = POLLIN };
	}
	read_options();
	report();
	for (;;) {
		struct timespec wait = { 0 };
		uint64_t time = now();

		if (heap_size && heap[0]->due > time) {
			uint64_t left = heap[0]->due - time;

			wait = (struct timespec){ (time_t)(left / 1000000000), (long)(left % 1000000000) };
		}
		if (ppoll(polls, (nfds_t)port_count, heap_size ? &wait : NULL, &open) > 0)
			for (int i = 0; i < port_count; i++)
				if (polls[i].revents)
					receive(i);
		send_due();
		if (reload_asked) {
			reload_asked = 0;
			read_options();
			report();
		}
	}
}
