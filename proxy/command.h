/* command.h - a client's command line taken apart (RFC 5321 4.1.1, 3207, 3030, 4954)
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PROXY_COMMAND_H
#define PROXY_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/path.h"

enum verb {
	VERB_HELO, VERB_EHLO, VERB_STARTTLS, VERB_MAIL, VERB_RCPT, VERB_DATA, VERB_BDAT, VERB_RSET,
	VERB_NOOP, VERB_VRFY, VERB_EXPN, VERB_HELP, VERB_QUIT, VERB_AUTH, VERB_ETRN, VERB_UNKNOWN
};

/* Extensions that a command relied on; bits of `uses` and of struct capability. */
enum extension {
	EXT_PIPELINING = 1 << 0, EXT_SIZE = 1 << 1, EXT_8BITMIME = 1 << 2, EXT_SMTPUTF8 = 1 << 3,
	EXT_DSN = 1 << 4, EXT_ENHANCED = 1 << 5, EXT_CHUNKING = 1 << 6, EXT_BINARYMIME = 1 << 7,
	EXT_DELIVERBY = 1 << 8, EXT_STARTTLS = 1 << 9, EXT_VRFY = 1 << 10, EXT_HELP = 1 << 11
};

struct command {
	enum verb verb;
	const char *argument;		/* after the verb and one space, without CRLF */
	size_t argument_len;
	unsigned uses;			/* MAIL, RCPT, BDAT: extensions its parameters need */
	struct path path;		/* MAIL, RCPT */
	uint64_t size;			/* BDAT: octets of the chunk */
	bool last;			/* BDAT LAST */
};

enum command_result {
	COMMAND_OK,
	COMMAND_SYNTAX,			/* 501 5.5.2 */
	COMMAND_PARAMETER,		/* 555 5.5.4: an unknown or repeated MAIL/RCPT parameter */
	COMMAND_PATH,			/* 501 5.1.3 (RCPT) or 5.1.7 (MAIL): path_result says why */
	COMMAND_NOT_ASCII		/* 8-bit octets outside SMTPUTF8: 500 5.5.2 */
};

/* command_parse: `line` without its CRLF. HELO and EHLO need one domain or address literal as
 * argument (any run of printable non-space octets, as honest clients send odd names); DATA, RSET,
 * QUIT, STARTTLS take none (trailing spaces are forgiven). MAIL parameters: SIZE=, BODY=7BIT |
 * 8BITMIME | BINARYMIME, SMTPUTF8, RET=, ENVID=, BY=; REQUIRETLS, AUTH= and anything else are
 * COMMAND_PARAMETER. RCPT: NOTIFY=, ORCPT=. A verb matches case-insensitively and whole. */
enum command_result command_parse(const char *line, size_t len, struct command *out,
    enum path_result *why);

const char *verb_name(enum verb v);

#endif
