/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the tc filters at a clsact hook by rtnetlink (RTM_GETTFILTER). */
#include "shim.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

struct filter_request {
	struct nlmsghdr header;
	struct tcmsg message;
};

static int ask(int netlink, int ifindex, unsigned parent)
{
	struct filter_request request = {
		.header.nlmsg_len = sizeof(request),
		.header.nlmsg_type = RTM_GETTFILTER,
		.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.message.tcm_family = AF_UNSPEC,
		.message.tcm_ifindex = ifindex,
		.message.tcm_parent = parent,
	};

	return send(netlink, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* A classifier announces itself once with handle 0, then each filter with its own. */
static int count_message(const struct nlmsghdr *header, unsigned handle)
{
	const struct tcmsg *message = NLMSG_DATA(header);

	return header->nlmsg_type == RTM_NEWTFILTER && message->tcm_handle != 0 &&
	       message->tcm_handle != handle;
}

static int count_answers(int netlink, unsigned handle)
{
	char buffer[32768];
	int count = 0;

	for (;;) {
		int length = recv(netlink, buffer, sizeof(buffer), 0);
		struct nlmsghdr *header = (struct nlmsghdr *)buffer;

		if (length < 0)
			return -errno;
		for (; NLMSG_OK(header, (unsigned)length); header = NLMSG_NEXT(header, length)) {
			if (header->nlmsg_type == NLMSG_DONE)
				return count;
			if (header->nlmsg_type == NLMSG_ERROR)
				return 0; /* no clsact qdisc: no filters */
			count += count_message(header, handle);
		}
	}
}

int sluice_clsact_foreign_filters(int ifindex, int egress, unsigned handle)
{
	unsigned parent = TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int result;

	if (netlink < 0)
		return -errno;
	result = ask(netlink, ifindex, parent);
	if (!result)
		result = count_answers(netlink, handle);
	close(netlink);
	return result;
}
