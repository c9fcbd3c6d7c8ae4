/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "kernel_sockets.h"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int accept_nonblocking(int listener, struct sockaddr *peer, socklen_t *length)
{
	return accept4(listener, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int pipe_nonblocking(int ends[2])
{
	return pipe2(ends, O_NONBLOCK | O_CLOEXEC);
}

ssize_t splice_nonblocking(int source, int sink, size_t limit)
{
	return splice(source, NULL, sink, NULL, limit, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

void name_this_thread(const char *name)
{
	pthread_setname_np(pthread_self(), name);
}

/* struct sched_attr of linux/sched/types.h, which does not go with the sched.h of glibc 2.36. */
struct scheduling {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime; /* nanoseconds, as the following two */
	uint64_t deadline;
	uint64_t period;
	uint32_t least_utilisation;
	uint32_t most_utilisation;
};

int request_slice(uint64_t nanoseconds)
{
	struct scheduling attributes = {};

	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0))
		return -1;
	/* What it has: 0 where the kernel knows of no slices. */
	if (attributes.policy != SCHED_OTHER || attributes.runtime <= nanoseconds)
		return 0;
	attributes.runtime = nanoseconds;
	return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/* Of details the name is filled in here. */
static int interface_request(const char *name, unsigned long request, struct ifreq *details)
{
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result;

	if (descriptor < 0)
		return -1;
	strncpy(details->ifr_name, name, sizeof(details->ifr_name) - 1);
	result = ioctl(descriptor, request, details);
	close(descriptor);
	return result;
}

int interface_hardware_type(const char *name)
{
	struct ifreq details = {0};

	return interface_request(name, SIOCGIFHWADDR, &details) ? -1 : details.ifr_hwaddr.sa_family;
}

int interface_mtu(const char *name)
{
	struct ifreq details = {0};

	return interface_request(name, SIOCGIFMTU, &details) ? -1 : details.ifr_mtu;
}

static int ethtool_request(const char *name, void *command)
{
	struct ifreq details = {0};

	details.ifr_data = command;
	return interface_request(name, SIOCETHTOOL, &details);
}

/* More than any kernel has: 64 in 6.18. */
#define FEATURES_MAX 256

/* Structures of ethtool that end in an array, with room for it. */
union feature_count {
	struct ethtool_sset_info info;
	__u32 room[sizeof(struct ethtool_sset_info) / 4 + 1];
};

union feature_names {
	struct ethtool_gstrings strings;
	char room[sizeof(struct ethtool_gstrings) + FEATURES_MAX * ETH_GSTRING_LEN];
};

union feature_states {
	struct ethtool_gfeatures states;
	char room[sizeof(struct ethtool_gfeatures) +
		  FEATURES_MAX / 32 * sizeof(struct ethtool_get_features_block)];
};

/* The number of the feature, -1 when the kernel knows none of that name. */
static int feature_number(const char *name, const char *feature)
{
	union feature_count count = {
		{.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
	union feature_names names = {{.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES}};

	if (ethtool_request(name, &count) || count.info.data[0] > FEATURES_MAX)
		return -1;
	names.strings.len = count.info.data[0];
	if (ethtool_request(name, &names))
		return -1;
	for (__u32 i = 0; i < names.strings.len; i++)
		if (!strncmp((char *)names.strings.data + i * ETH_GSTRING_LEN, feature,
			     ETH_GSTRING_LEN))
			return i;
	return -1;
}

int interface_feature(const char *name, const char *feature)
{
	union feature_states features = {{.cmd = ETHTOOL_GFEATURES, .size = FEATURES_MAX / 32}};
	int number = feature_number(name, feature);

	if (number < 0 || ethtool_request(name, &features))
		return -1;
	return features.states.features[number / 32].active >> number % 32 & 1;
}
