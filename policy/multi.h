/* multi.h - libcurl's transfers on the event loop
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef POLICY_MULTI_H
#define POLICY_MULTI_H

#include <curl/curl.h>
#include <ev.h>

struct multi;

/* multi_new: `done` gets each finished easy handle, from the loop, and removes it. NULL when out of
 * memory. */
struct multi *multi_new(struct ev_loop *loop, void (*done)(void *easy, CURLcode code));
void multi_free(struct multi *m);	/* NULL is allowed */
void multi_add(struct multi *m, CURL *easy);
void multi_remove(struct multi *m, CURL *easy);

#endif
