/* capability.h - what a server said in its EHLO reply, and what a client may hear of it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_CAPABILITY_H
#define PROXY_CAPABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/command.h"

struct capability {
	unsigned extensions;	/* enum extension */
	bool size_given;
	uint64_t size;		/* SIZE's number, 0 = no limit */
	uint64_t deliverby;	/* DELIVERBY's minimum, 0 = none */
	bool masked;		/* a keyword that is STARTTLS overwritten (XXXXXXXA, ********) or
				 * misspelt in eight letters with its shape (STARTTLX, XTARTTLS),
				 * or has something behind it; never beside a whole STARTTLS */
};

/* capability_line: one line of the EHLO reply after the first (reply_line.text). Keywords are
 * case-insensitive; unknown ones are ignored. STARTTLS counts only as a whole keyword without
 * parameters. */
void capability_line(struct capability *c, const char *text, size_t len);

/* capability_offer: the EHLO reply for the client: "250-NAME\r\n250-..."; only the extensions of
 * the allow-list, STARTTLS iff own_starttls. Returns the length, 0 when it does not fit. */
size_t capability_offer(const struct capability *c, bool own_starttls, const char *name, char *out,
    size_t size);

#endif
