/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcx count DEVICE          prints how many tcx programs are attached at ingress and egress
 * tcx hold DEVICE OBJECT    attaches the object's first program at ingress and holds it until
 * killed
 *
 * Debian 12's tc and bpftool know no tcx; the kernel's numbers are spelled out for its headers.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TCX_INGRESS 46
#define TCX_EGRESS  47

static int count(int ifindex, int hook)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = ifindex; /* the kernel's union: target_ifindex */
	attr.query.attach_type = hook;
	if (syscall(__NR_bpf, BPF_PROG_QUERY, &attr, sizeof(attr))) {
		perror("tcx: query");
		exit(1);
	}
	return attr.query.prog_cnt;
}

static void hold(int ifindex, const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program = object ? bpf_object__next_program(object, NULL) : NULL;

	if (!program || bpf_object__load(object) ||
	    bpf_link_create(bpf_program__fd(program), ifindex, TCX_INGRESS, NULL) < 0) {
		perror("tcx: attach");
		exit(1);
	}
	pause();
}

int main(int argc, char **argv)
{
	int ifindex = argc > 2 ? (int)if_nametoindex(argv[2]) : 0;

	if (!ifindex) {
		fprintf(stderr, "usage: tcx count DEVICE | tcx hold DEVICE OBJECT\n");
		return 2;
	}
	if (!strcmp(argv[1], "count"))
		printf("%d\n", count(ifindex, TCX_INGRESS) + count(ifindex, TCX_EGRESS));
	else if (argc > 3)
		hold(ifindex, argv[3]);
	return 0;
}
