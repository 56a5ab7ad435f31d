/* upstream_open.h - how the leg towards the MX comes to be; for upstream.c and upstream_open.c only
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_UPSTREAM_OPEN_H
#define PROXY_UPSTREAM_OPEN_H

#include "proxy/upstream.h"

/* upstream_enter: the phase and its deadline. upstream_die: to SERVER_DEAD; the first reason stays.
 * upstream_died: the same, as the event that says so. */
void upstream_enter(struct upstream *u, enum server_phase phase);
void upstream_die(struct upstream *u, const char *why);
enum upstream_event upstream_died(struct upstream *u, const char *why);

enum upstream_event upstream_dial_step(struct upstream *u);
enum upstream_event upstream_handshake_step(struct upstream *u);

/* upstream_begin_tls: after the 220. Octets behind it were sent in clear text for us to take as the
 * first words of the secured session (CVE-2021-38371, RFC 3207 4.2). */
enum upstream_event upstream_begin_tls(struct upstream *u);

#endif
