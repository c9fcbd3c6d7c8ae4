/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "kernel_sockets.h"

#include <fcntl.h>
#include <pthread.h>
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
