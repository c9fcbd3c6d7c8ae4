/* SPDX-License-Identifier: Apache-2.0 */
/* libpcap, for tests that read captures. */
#ifndef SLUICE_PCAP_SHIM_H
#define SLUICE_PCAP_SHIM_H

#include <pcap/pcap.h>

#endif
