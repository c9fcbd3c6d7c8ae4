/* SPDX-License-Identifier: Apache-2.0 */
/*
 * age OBJECT FROM TO        makes a running instance one of another version: loads OBJECT, the
 * datapath with other structs, pins its maps under TO, copies the rows of the maps under FROM by the
 * names of their members, puts the programs into the links and filters, and removes FROM.
 *
 * Only for instances without a daemon. It knows nothing of the daemon's own way to do the same
 * (Sources/Datapath/Migration): one is the test of the other.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILTER_HANDLE	0x51
#define FILTER_PRIORITY 49152

/* Rows name slots of ways. */
static const char *kept[] = {"flows", "ways", "names", "server_names", "instance"};
static const char *pinned[] = {
	"flows", "ways",  "handshakes",	  "listeners", "adopted",  "relayed",	     "templates",
	"rings", "names", "server_names", "instance",  "counters", "daemon_counters"};

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const char *path(const char *folder, const char *name)
{
	static char text[2][512];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "%s/%s", folder, name);
	return text[turn];
}

static int open_pin(const char *folder, const char *name)
{
	int fd = bpf_obj_get(path(folder, name));

	if (fd < 0)
		err(1, "%s/%s", folder, name);
	return fd;
}

struct table {
	int fd;
	struct bpf_map_info info;
	struct btf *btf;
};

static struct table table_of(int fd)
{
	struct table table = {.fd = fd};
	unsigned size = sizeof(table.info);

	if (bpf_obj_get_info_by_fd(fd, &table.info, &size))
		err(1, "map info");
	table.btf = btf__load_from_kernel_by_id(table.info.btf_id);
	if (!table.btf)
		err(1, "BTF of %s", table.info.name);
	return table;
}

/* Copies members of the same name; numbers may change their width (little endian). */
static void copy_type(const struct btf *from, int from_id, const char *source,
		      const struct btf *to, int to_id, char *target)
{
	const struct btf_type *old = btf__type_by_id(from, btf__resolve_type(from, from_id));
	const struct btf_type *new = btf__type_by_id(to, btf__resolve_type(to, to_id));
	int old_size = btf__resolve_size(from, from_id), new_size = btf__resolve_size(to, to_id);

	if (!btf_is_struct(new) || !btf_is_struct(old)) {
		memcpy(target, source, old_size < new_size ? old_size : new_size);
		return;
	}
	for (int i = 0; i < btf_vlen(new); i++) {
		const struct btf_member *member = btf_members(new) + i;
		const char *name = btf__name_by_offset(to, member->name_off);

		for (int j = 0; j < btf_vlen(old); j++) {
			const struct btf_member *was = btf_members(old) + j;

			if (strcmp(name, btf__name_by_offset(from, was->name_off)))
				continue;
			copy_type(from, was->type, source + was->offset / 8, to, member->type,
				  target + member->offset / 8);
		}
	}
}

static void copy_rows(struct table from, struct table to)
{
	char key[256], value[1024], new_key[256], new_value[1024];
	void *previous = NULL;

	while (!bpf_map_get_next_key(from.fd, previous, key)) {
		previous = key;
		if (bpf_map_lookup_elem(from.fd, key, value))
			continue;
		memset(new_key, 0, sizeof(new_key));
		memset(new_value, 0, sizeof(new_value));
		copy_type(from.btf, from.info.btf_key_type_id, key, to.btf,
			  to.info.btf_key_type_id, new_key);
		copy_type(from.btf, from.info.btf_value_type_id, value, to.btf,
			  to.info.btf_value_type_id, new_value);
		if (bpf_map_update_elem(to.fd, new_key, new_value, 0))
			err(1, "row of %s", to.info.name);
	}
}

/* The constants of a program that runs, as its loader has set them. */
static void copy_constants(struct bpf_object *object, int program)
{
	struct bpf_map *target = bpf_object__find_map_by_name(object, ".rodata");
	unsigned ids[64], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = LENGTH(ids), .map_ids = (__u64)(long)ids};

	if (bpf_obj_get_info_by_fd(program, &info, &size))
		err(1, "program info");
	for (unsigned i = 0; i < info.nr_map_ids; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]), zero = 0;
		struct bpf_map_info map = {0};
		unsigned length = sizeof(map);
		char bytes[4096];

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &map, &length) &&
		    strstr(map.name, ".rodata") && map.value_size <= sizeof(bytes) &&
		    !bpf_map_lookup_elem(fd, &zero, bytes) &&
		    !bpf_map__set_initial_value(target, bytes, map.value_size)) {
			close(fd);
			return;
		}
		close(fd);
	}
	errx(1, "no constants found");
}

/* The program in a pinned link, or the one that marks clsact filters. */
static int program_at(const char *folder, const char *name)
{
	struct bpf_link_info info = {0};
	unsigned size = sizeof(info);
	int fd = open_pin(folder, name);

	if (!strncmp(name, "clsact_", 7))
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		err(1, "link info");
	return bpf_prog_get_fd_by_id(info.prog_id);
}

static void replace_filter(int ifindex, int point, int program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .prog_fd = program, .flags = BPF_TC_F_REPLACE);

	if (bpf_tc_attach(&hook, &options))
		err(1, "filter of interface %d", ifindex);
}

static void attach(struct bpf_object *object, const char *name, const char *from, const char *to)
{
	int flows = bpf_program__fd(bpf_object__find_program_by_name(object, "flows_ethernet"));
	int egress = bpf_program__fd(bpf_object__find_program_by_name(object, "egress_ethernet"));

	if (!strncmp(name, "clsact_", 7)) {
		replace_filter(atoi(name + 7), BPF_TC_INGRESS, flows);
		replace_filter(atoi(name + 7), BPF_TC_EGRESS, egress);
		if (bpf_obj_pin(flows, path(to, name)))
			err(1, "pin %s", name);
		return;
	}
	int link = open_pin(from, name);

	if (bpf_link_update(link, strstr(name, "egress") ? egress : flows, NULL))
		err(1, "update %s", name);
	if (bpf_obj_pin(link, path(to, name)))
		err(1, "pin %s", name);
}

static struct bpf_object *load(const char *file, const char *to, const char *from,
			       const char *attachment)
{
	struct bpf_object *object = bpf_object__open(file);
	struct bpf_program *program;

	if (!object)
		err(1, "%s", file);
	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program);

		bpf_program__set_autoload(program, !strcmp(name, "flows_ethernet") ||
							   !strcmp(name, "egress_ethernet"));
	}
	for (unsigned i = 0; i < LENGTH(pinned); i++)
		bpf_map__set_pin_path(bpf_object__find_map_by_name(object, pinned[i]),
				      path(to, pinned[i]));
	copy_constants(object, program_at(from, attachment));
	if (bpf_object__load(object))
		err(1, "load %s", file);
	return object;
}

int main(int argc, char **argv)
{
	struct dirent **names;
	struct bpf_object *object = NULL;
	int count;

	if (argc != 4)
		errx(2, "usage: age OBJECT FROM TO");
	count = scandir(argv[2], &names, NULL, alphasort);
	for (int i = 0; i < count && !object; i++)
		if (!strncmp(names[i]->d_name, "link_", 5) ||
		    !strncmp(names[i]->d_name, "clsact_", 7))
			object = load(argv[1], argv[3], argv[2], names[i]->d_name);
	if (!object)
		errx(1, "nothing is attached under %s", argv[2]);
	for (unsigned i = 0; i < LENGTH(kept); i++)
		copy_rows(table_of(open_pin(argv[2], kept[i])),
			  table_of(open_pin(argv[3], kept[i])));
	for (int i = 0; i < count; i++)
		if (strchr(names[i]->d_name, '_') && !strncmp(names[i]->d_name, "link_", 5))
			attach(object, names[i]->d_name, argv[2], argv[3]);
		else if (!strncmp(names[i]->d_name, "clsact_", 7))
			attach(object, names[i]->d_name, argv[2], argv[3]);
	for (int i = 0; i < count; i++)
		if (names[i]->d_name[0] != '.')
			unlink(path(argv[2], names[i]->d_name));
	return rmdir(argv[2]) != 0;
}
