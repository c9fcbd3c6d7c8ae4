/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf, and what Swift cannot call: variadic functions, callbacks with va_list, macros. */
#ifndef SLUICE_LIBBPF_SHIM_H
#define SLUICE_LIBBPF_SHIM_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

/* Attach types of Linux 6.6, newer than Debian 12's headers. */
#define SLUICE_BPF_TCX_INGRESS 46
#define SLUICE_BPF_TCX_EGRESS  47

/* Moves a word that the kernel moves, too, one on; false: it is not `from` any more. */
static inline _Bool sluice_step(__u32 *word, __u32 from)
{
	return __atomic_compare_exchange_n(word, &from, from + 1, 0, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/* Silences libbpf, but keeps its last warning of this thread for sluice_last_warning(). */
void sluice_capture_warnings(void);
const char *sluice_last_warning(void);

/* Opens an object in memory. log: where the verifier writes, or NULL. */
struct bpf_object *sluice_object_open(const void *bytes, size_t size, char *log, size_t log_size);

/* Sets a `const volatile` global before loading; 0, or -ENOENT, -EINVAL for another size. */
int sluice_object_set_constant(struct bpf_object *object, const char *name, const void *value,
			       size_t size);

/* A tcx link at the end of the list; the descriptor, or -errno. */
int sluice_tcx_attach(int program, int ifindex, int attach_type);

/* The interface that a tcx link is attached to; 0 when that is gone, or -errno. */
int sluice_tcx_interface(int link);

/* A clsact filter of ours (created or replaced); 0 or -errno. Creates the qdisc if need be. */
int sluice_clsact_attach(int program, int ifindex, int egress, unsigned priority,
			 unsigned handle);
int sluice_clsact_detach(int ifindex, int egress, unsigned priority, unsigned handle);

/* Whether such a filter stands there. */
int sluice_clsact_is_attached(int ifindex, int egress, unsigned priority, unsigned handle);

/* How many filters stand at the hook, ours (by handle) left out; -errno when it cannot be told. */
int sluice_clsact_foreign_filters(int ifindex, int egress, unsigned handle);

/* Removes the clsact qdisc. */
int sluice_clsact_remove(int ifindex);

/* Whether this thread has CAP_PERFMON (Linux 5.8), which CAP_SYS_ADMIN includes. */
int sluice_may_inspect_kernel(void);

/*
 * Waits until every program that runs on a packet at the time of the call has ended; false when the
 * kernel offers no way to know.
 */
int sluice_wait_for_programs(void);

/* Whether bpffs is mounted at path. */
int sluice_is_bpffs(const char *path);

/* Runs a program of the type syscall with a context of its own; 0 or -errno. */
int sluice_run(int program, void *context, unsigned size);

/* Runs a program on a packet; 0 or -errno. out_size: room in, bytes out. flags: BPF_F_TEST_*. */
struct sluice_test_context {
	unsigned ifindex;
	unsigned ingress_ifindex;
	unsigned gso_segs;
	unsigned gso_size;
	unsigned priority; /* SO_PRIORITY */
	unsigned repeat;
	unsigned flags;
};
struct sluice_test_outcome {
	int verdict;
	unsigned duration_ns;
};
int sluice_test_run(int program, const void *in, unsigned in_size, void *out, unsigned *out_size,
		    const struct sluice_test_context *context, struct sluice_test_outcome *outcome);

#endif
