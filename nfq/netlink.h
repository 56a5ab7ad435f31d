/* netlink.h - a netlink socket of this process: opened, told what to do, read
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef NFQ_NETLINK_H
#define NFQ_NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A receive buffer that the kernel's limit does not cut (needs CAP_NET_ADMIN). It is memory only
 * while something waits in it. */
#define NETLINK_BUFFER (32 << 20)

/* netlink_open: non-blocking; NULL with the reason. mnl_socket_close. */
struct mnl_socket *netlink_open(int bus, char *error, size_t error_size);

bool netlink_join(struct mnl_socket *s, int group, char *error, size_t error_size);

/* netlink_command: sends one message and takes the kernel's answer to it. Other messages that stand
 * before the answer are handed to `other` (mnl_cb_t), which may be NULL. */
bool netlink_command(struct mnl_socket *s, struct nlmsghdr *message, mnl_cb_t other, void *arg,
    char *error, size_t error_size);

/* netlink_read: one datagram of the kernel's: its length; 0: nothing there; -1: an error, with
 * ENOBUFS something was lost before. What anybody else sent is thrown away. */
ssize_t netlink_read(struct mnl_socket *s, void *buffer, size_t size);

#endif
