/* request.h - what a client of the control socket may ask, taken apart
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One JSON object on one line: {"verb":"domain","name":"example.com"}. Fields that the protocol
 * does not know, wrong types and duplicates are refused, so that a misspelt request never does
 * something else than it says. */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_MAX 65536	/* octets of a line: far over what any verb needs */
#define REQUEST_TEXT_SIZE 256	/* of a field: the longest domain name, and the NUL */

struct request {
	char verb[32];
	char name[REQUEST_TEXT_SIZE];	/* the domain or host that the verb is about */
	char domain[REQUEST_TEXT_SIZE];	/* probe: the recipient domain */
	char mode[REQUEST_TEXT_SIZE];	/* mode-set: "monitor" or "enforce" */
	uint16_t port;			/* probe; 25 when not given */
	bool follow;			/* decisions */
};

/* request_parse: the line without its newline. NULL, or what is wrong with it (static text). Absent
 * fields are "", false, and port 25. */
const char *request_parse(struct request *out, const char *p, size_t len);

/* request_print: the line for a request, newline included; its length, 0 when out does not hold it.
 * REQUEST_LINE_SIZE always does. */
#define REQUEST_LINE_SIZE 8192	/* four fields, each octet as \u00xx, and the keys */
size_t request_print(const struct request *r, char *out, size_t size);

#endif
