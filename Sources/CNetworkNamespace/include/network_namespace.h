/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces for tests: what Swift cannot call, because glibc hides it. */
#ifndef SLUICE_NETWORK_NAMESPACE_H
#define SLUICE_NETWORK_NAMESPACE_H

/* A new namespace, which lives as long as the descriptor; negative: -errno. */
int network_namespace_create(void);

/* Moves the calling thread; the descriptor of where it was, or -errno. */
int network_namespace_enter(int namespace);

/* Moves the calling thread back and closes former. */
int network_namespace_return(int former);

/* A non-blocking socket that sees and sends whole frames of one interface; or -errno. */
int packet_socket_open(const char *interface);

#endif
