/* SPDX-License-Identifier: Apache-2.0 */
/* What the Glibc module of Swift leaves out: some headers, and calls that want _GNU_SOURCE. */
#ifndef SLUICE_KERNEL_SOCKETS_H
#define SLUICE_KERNEL_SOCKETS_H

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* accept4(2), non-blocking and closed on exec. */
int accept_nonblocking(int listener, struct sockaddr *peer, socklen_t *length);

/* pipe2(2), likewise; [0] is the end to read from. */
int pipe_nonblocking(int ends[2]);

/* splice(2) without offsets, SPLICE_F_MOVE | SPLICE_F_NONBLOCK. */
ssize_t splice_nonblocking(int source, int sink, size_t limit);

/* pthread_setname_np(3) of the calling thread. */
void name_this_thread(const char *name);

/*
 * How long the calling thread wants to run at a time: the shorter, the sooner it runs after it was
 * woken, and the share is the same (EEVDF, Linux 6.12; before that nothing changes). Needs no
 * privilege. A thread that has a shorter one keeps it, and so does one under another policy than
 * SCHED_OTHER.
 */
int request_slice(uint64_t nanoseconds);

/* ARPHRD_* of an interface (1: Ethernet), and its MTU; -1 and errno on failure. */
int interface_hardware_type(const char *name);
int interface_mtu(const char *name);

/* Whether a feature of the interface is active, by the name that ethtool -k has for it; -1: unknown.
 */
int interface_feature(const char *name, const char *feature);

#endif
