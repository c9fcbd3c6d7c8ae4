/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf, and what Swift cannot call: variadic functions and macros. */
#ifndef SLUICE_LIBBPF_SHIM_H
#define SLUICE_LIBBPF_SHIM_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#endif
