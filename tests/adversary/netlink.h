/* SPDX-License-Identifier: GPL-2.0-only */
/* netlink.h - addresses of the loopback device, for tries that need one. As root. */
#ifndef NETLINK_H
#define NETLINK_H

/* 0 or an errno; EEXIST: it is there already. */
int add_address(const char *address);
int remove_address(const char *address);

#endif
