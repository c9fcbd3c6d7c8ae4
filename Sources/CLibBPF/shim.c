/* SPDX-License-Identifier: Apache-2.0 */
#include "shim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static _Thread_local char last_warning[512];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		vsnprintf(last_warning, sizeof(last_warning), format, arguments);
	return 0;
}

void sluice_capture_warnings(void)
{
	last_warning[0] = 0;
	libbpf_set_print(keep_warning);
}

const char *sluice_last_warning(void)
{
	return last_warning;
}

struct bpf_object *sluice_object_open(const void *bytes, size_t size, char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "sluice", .kernel_log_buf = log,
		    .kernel_log_size = log_size);

	return bpf_object__open_mem(bytes, size, &options);
}

int sluice_object_set_constant(struct bpf_object *object, const char *name, const void *value,
			       size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_var_secinfo *variable;
	const struct btf_type *section;
	size_t room = 0;
	const void *bytes;
	char copy[4096];
	int id;

	id = btf ? btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC) : -ENOENT;
	bytes = map ? bpf_map__initial_value(map, &room) : NULL;
	if (id < 0 || !bytes || room > sizeof(copy))
		return -ENOENT;
	memcpy(copy, bytes, room);
	section = btf__type_by_id(btf, id);
	variable = btf_var_secinfos(section);
	for (int i = 0; i < btf_vlen(section); i++, variable++) {
		const struct btf_type *type = btf__type_by_id(btf, variable->type);

		if (strcmp(btf__name_by_offset(btf, type->name_off), name))
			continue;
		if (variable->size != size || variable->offset + size > room)
			return -EINVAL;
		memcpy(copy + variable->offset, value, size);
		return bpf_map__set_initial_value(map, copy, room);
	}
	return -ENOENT;
}

int sluice_tcx_attach(int program, int ifindex, int attach_type)
{
	int link = bpf_link_create(program, ifindex, attach_type, NULL);

	return link < 0 ? -errno : link;
}

int sluice_tcx_interface(int link)
{
	struct bpf_link_info info = {0};
	unsigned size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link, &info, &size))
		return -errno;
	/* Debian 12's headers lack `tcx`; it begins like `xdp`, with the interface. */
	return (int)info.xdp.ifindex;
}

static enum bpf_tc_attach_point attach_point(int egress)
{
	return egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

int sluice_clsact_attach(int program, int ifindex, int egress, unsigned priority, unsigned handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_point(egress));
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = priority,
		    .prog_fd = program, .flags = BPF_TC_F_REPLACE);
	int result = bpf_tc_hook_create(&hook);

	if (result && result != -EEXIST)
		return result;
	return bpf_tc_attach(&hook, &options);
}

int sluice_clsact_detach(int ifindex, int egress, unsigned priority, unsigned handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_point(egress));
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = priority);

	return bpf_tc_detach(&hook, &options);
}

int sluice_clsact_is_attached(int ifindex, int egress, unsigned priority, unsigned handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_point(egress));
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = priority);

	return bpf_tc_query(&hook, &options) == 0;
}

int sluice_clsact_remove(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	return bpf_tc_hook_destroy(&hook);
}

int sluice_may_inspect_kernel(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data))
		return 0;
	return (data[CAP_TO_INDEX(CAP_PERFMON)].effective & CAP_TO_MASK(CAP_PERFMON)) ||
	       (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN));
}

int sluice_wait_for_programs(void)
{
	/* Programs run inside RCU's read side, and this waits for a grace period (membarrier(2)). */
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0;
}

int sluice_is_bpffs(const char *path)
{
	struct statfs details;

	return statfs(path, &details) == 0 && details.f_type == BPF_FS_MAGIC;
}

int sluice_run(int program, void *context, unsigned size)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = size);

	return bpf_prog_test_run_opts(program, &options);
}

int sluice_test_run(int program, const void *in, unsigned in_size, void *out, unsigned *out_size,
		    const struct sluice_test_context *context, struct sluice_test_outcome *outcome)
{
	struct __sk_buff skb = {
		.ifindex = context->ifindex,
		.ingress_ifindex = context->ingress_ifindex,
		.gso_segs = context->gso_segs,
		.gso_size = context->gso_size,
		.priority = context->priority,
	};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in, .data_size_in = in_size,
		    .data_out = out, .data_size_out = *out_size, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = context->repeat,
		    .flags = context->flags);
	int result = bpf_prog_test_run_opts(program, &options);

	if (result < 0)
		return result;
	*out_size = options.data_size_out;
	outcome->duration_ns = options.duration;
	outcome->verdict = (int)options.retval;
	return 0;
}
