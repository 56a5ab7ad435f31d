/* capability_test.c - EHLO replies as known servers send them, and as middleboxes disfigure them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/capability.h"

#define PIPE EXT_PIPELINING
#define EIGHT EXT_8BITMIME
#define ENH EXT_ENHANCED
#define TLS EXT_STARTTLS
#define CHUNK EXT_CHUNKING
#define BIN EXT_BINARYMIME
#define UTF8 EXT_SMTPUTF8

/* The lines behind the first, one string, separated by LF. */
static const struct {
	const char *server, *lines;
	unsigned extensions;
	uint64_t size;
} servers[] = {
	{ "Postfix", "PIPELINING\nSIZE 10240000\nVRFY\nETRN\nSTARTTLS\nAUTH PLAIN LOGIN\n"
	    "AUTH=PLAIN LOGIN\nENHANCEDSTATUSCODES\n8BITMIME\nDSN\nSMTPUTF8\nCHUNKING",
	    PIPE | EXT_SIZE | EXT_VRFY | TLS | ENH | EIGHT | EXT_DSN | UTF8 | CHUNK, 10240000 },
	{ "Postfix that trusts us", "PIPELINING\nSIZE\nETRN\nXVERP\nXCLIENT NAME ADDR PROTO HELO\n"
	    "XFORWARD NAME ADDR PROTO HELO SOURCE\nENHANCEDSTATUSCODES\n8BITMIME\nDSN",
	    PIPE | EXT_SIZE | ENH | EIGHT | EXT_DSN, 0 },
	{ "Exim", "SIZE 52428800\nLIMITS MAILMAX=1000 RCPTMAX=50000\n8BITMIME\nPIPELINING\n"
	    "PIPECONNECT\nCHUNKING\nSTARTTLS\nPRDR\nHELP",
	    EXT_SIZE | EIGHT | PIPE | CHUNK | TLS | EXT_HELP, 52428800 },
	{ "Exim, first names", "SIZE 52428800\n8BITMIME\nX_PIPE_CONNECT\nPIPELINING\nX-EXIM\nHELP",
	    EXT_SIZE | EIGHT | PIPE | EXT_HELP, 52428800 },
	{ "Sendmail", "ENHANCEDSTATUSCODES\nPIPELINING\nEXPN\nVERB\n8BITMIME\nSIZE 20000000\nDSN\n"
	    "ETRN\nAUTH DIGEST-MD5 CRAM-MD5\nSTARTTLS\nDELIVERBY\nHELP",
	    ENH | PIPE | EIGHT | EXT_SIZE | EXT_DSN | TLS | EXT_DELIVERBY | EXT_HELP, 20000000 },
	{ "Sendmail 8.8", "EXPN\nVERB\n8BITMIME\nSIZE\nXONE\nXUSR\nONEX\nHELP",
	    EIGHT | EXT_SIZE | EXT_HELP, 0 },
	{ "qmail", "PIPELINING\n8BITMIME", PIPE | EIGHT, 0 },
	{ "Gmail", "SIZE 157286400\n8BITMIME\nSTARTTLS\nENHANCEDSTATUSCODES\nPIPELINING\nCHUNKING\n"
	    "SMTPUTF8", EXT_SIZE | EIGHT | TLS | ENH | PIPE | CHUNK | UTF8, 157286400 },
	{ "Exchange Online", "SIZE 157286400\nPIPELINING\nDSN\nENHANCEDSTATUSCODES\nSTARTTLS\n"
	    "8BITMIME\nBINARYMIME\nCHUNKING\nSMTPUTF8",
	    EXT_SIZE | PIPE | EXT_DSN | ENH | TLS | EIGHT | BIN | CHUNK | UTF8, 157286400 },
	{ "Exchange 2016", "SIZE 37748736\nPIPELINING\nDSN\nENHANCEDSTATUSCODES\nSTARTTLS\n"
	    "X-ANONYMOUSTLS\nAUTH NTLM\nX-EXPS GSSAPI NTLM\n8BITMIME\nBINARYMIME\nCHUNKING\n"
	    "XEXCH50\nXRDST\nXSHADOW\nXSHADOWREQUEST\nXPROXYFROM\nXSYSPROBE\nXORIGFROM\n"
	    "XMESSAGECONTEXT ADRC-2.1.0.0 EPROP-1.2.0.0",
	    EXT_SIZE | PIPE | EXT_DSN | ENH | TLS | EIGHT | BIN | CHUNK, 37748736 },
	{ "Exchange 2016 without a certificate", "SIZE 37748736\nPIPELINING\nDSN\n"
	    "ENHANCEDSTATUSCODES\nX-ANONYMOUSTLS\nX-EXPS GSSAPI NTLM\n8BITMIME\nBINARYMIME\n"
	    "CHUNKING\nXEXCH50\nXRDST\nXSHADOW", EXT_SIZE | PIPE | EXT_DSN | ENH | EIGHT | BIN |
	    CHUNK, 37748736 },
	{ "Exchange 2003", "TURN\nSIZE\nETRN\nPIPELINING\nDSN\nENHANCEDSTATUSCODES\n8bitmime\n"
	    "BINARYMIME\nCHUNKING\nVRFY\nX-EXPS GSSAPI NTLM LOGIN\nX-EXPS=LOGIN\n"
	    "AUTH GSSAPI NTLM LOGIN\nAUTH=LOGIN\nX-LINK2STATE\nXEXCH50\nOK",
	    EXT_SIZE | PIPE | EXT_DSN | ENH | EIGHT | BIN | CHUNK | EXT_VRFY, 0 },
	{ "Oracle Messaging Server", "8BITMIME\nPIPELINING\nCHUNKING\nDSN\nENHANCEDSTATUSCODES\n"
	    "EXPN\nHELP\nXADR\nXSTA\nXCIR\nXGEN\nXLOOP 2C0B6D4F2B6D\nSTARTTLS\nETRN\n"
	    "NO-SOLICITING\nSIZE 0",
	    EIGHT | PIPE | CHUNK | EXT_DSN | ENH | EXT_HELP | TLS | EXT_SIZE, 0 },
	{ "Yahoo", "PIPELINING\nSIZE 41943040\n8BITMIME\nSTARTTLS", PIPE | EXT_SIZE | EIGHT | TLS,
	    41943040 },
	{ "OpenSMTPD", "8BITMIME\nENHANCEDSTATUSCODES\nSIZE 36700160\nDSN\nSTARTTLS\nHELP",
	    EIGHT | ENH | EXT_SIZE | EXT_DSN | TLS | EXT_HELP, 36700160 },
	{ "Lotus Domino", "HELP\nAUTH LOGIN\nAUTH=LOGIN\nSIZE 31457280\nPIPELINING\nSTARTTLS\nDSN",
	    EXT_HELP | EXT_SIZE | PIPE | TLS | EXT_DSN, 31457280 },
	{ "CommuniGate Pro", "DSN\nSIZE 31457280\nSTARTTLS\nAUTH LOGIN PLAIN\nETRN\nTURN\nATRN\n"
	    "NO-SOLICITING\n8BITMIME\nHELP\nPIPELINING\nEHLO",
	    EXT_DSN | EXT_SIZE | TLS | EIGHT | EXT_HELP | PIPE, 31457280 },
	{ "Cisco ESA", "8BITMIME\nSIZE 104857600\nSTARTTLS", EIGHT | EXT_SIZE | TLS, 104857600 },
	{ "PowerMTA", "XACK\nXMRG\nXDFN\nVERP\nXVERP\nSTARTTLS\nENHANCEDSTATUSCODES\nPIPELINING\n"
	    "CHUNKING\nSMTPUTF8\n8BITMIME\nDSN", TLS | ENH | PIPE | CHUNK | UTF8 | EIGHT |
	    EXT_DSN, 0 },
	{ "Haraka", "PIPELINING\n8BITMIME\nSMTPUTF8\nSIZE 0\nSTARTTLS", PIPE | EIGHT | UTF8 |
	    EXT_SIZE | TLS, 0 },
	{ "an early SMTPUTF8 server", "PIPELINING\nUTF8SMTP\nUTF8SMTPA\nSUBMITTER\nMTRK\n"
	    "CHECKPOINT\nCONPERM\nCONNEG\nFUTURERELEASE 86400 2026-01-01T00:00:00Z\nBURL imap\n"
	    "MT-PRIORITY MIXER\nRRVS\nREQUIRETLS\nSAML\nSEND\nSOML\nXREPLACED\nXSTARTTLS",
	    PIPE, 0 },
	{ "blanks around", " PIPELINING \nSTARTTLS \n SIZE  5 ", PIPE | TLS | EXT_SIZE, 5 },
	{ "letters small", "pipelining\nstarttls\nsize 5\n8BitMime", PIPE | TLS | EXT_SIZE | EIGHT,
	    5 },
	{ "odd numbers", "SIZE abc\nDELIVERBY x", EXT_SIZE | EXT_DELIVERBY, 0 },
	{ "a number beyond 64 bits", "SIZE 99999999999999999999", EXT_SIZE, UINT64_MAX },
	{ "empty lines", "\n\n ", 0, 0 },
};

static void
read_lines(struct capability *c, const char *lines)
{
	memset(c, 0, sizeof(*c));
	for (;;) {
		size_t len = strcspn(lines, "\n");

		capability_line(c, lines, len);
		if (lines[len] == '\0')
			return;
		lines += len + 1;
	}
}

static void
known_servers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		struct capability c;

		read_lines(&c, servers[i].lines);
		if (c.extensions != servers[i].extensions || c.masked)
			fail_msg("%s: %x%s", servers[i].server, c.extensions,
			    c.masked ? ", masked" : "");
		assert_true(c.size == servers[i].size);
	}
}

/* The marks of a STARTTLS that was there (THREATS, the plaintext part of the dialogue). */
static void
masked(void **state)
{
	static const char *const lines[] = {
		"XXXXXXXA", "XXXXXXXB", "XXXXXXXX", "xxxxxxxx", "********", "--------", "########",
		"........", "        ", "AAAAAAAA", "\377\377\377\377\377\377\377\377", "STARTTLX",
		"XTARTTLS", "STARTXXX", "XXXXXTLS", "SXXXXXXS", "S*A*T*L*", "STRATTLS", "startt1s",
		"STARTSSL", "STARTTLS x", "STARTTLS=x", "STARTTLSX",
		"SIZE 1000\n250\nXXXXXXXA\n8BITMIME",	/* as a Cisco PIX or ASA leaves it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct capability c;

		read_lines(&c, lines[i]);
		if (!c.masked || (c.extensions & EXT_STARTTLS) != 0)
			fail_msg("%s: not masked", lines[i]);
	}
}

/* Other keywords may be masked beside a whole STARTTLS, in either order: nothing is stripped. */
static void
not_masked_beside_starttls(void **state)
{
	static const char *const lines[] = { "STARTTLS\nXXXXXXXA", "XXXXXXXA\nstarttls" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct capability c;

		read_lines(&c, lines[i]);
		assert_false(c.masked);
		assert_int_equal(c.extensions, EXT_STARTTLS);
	}
}

/* Masked keywords of other lengths are no STARTTLS. */
static void
other_lengths(void **state)
{
	struct capability c;

	(void)state;
	read_lines(&c, "XXXXXXX\nXXXXXXXXX\nXXXA\nXXXXXXXXXXXXXXXXXXB\n*******\nXSTARTTLS\n"
	    "TARTTLS\n8BITMIME\nCHUNKING\nSMTPUTF8\nUTF8SMTP\nXFORWARD\nX-FILTER\nXACCOUNT");
	assert_false(c.masked);
}

static void
offers(void **state)
{
	static const struct {
		const char *lines;
		bool own_starttls;
		const char *offer;
	} rows[] = {
		{ "", false, "250 mx.example\r\n" },
		{ "", true, "250-mx.example\r\n250 STARTTLS\r\n" },
		{ "STARTTLS", false, "250 mx.example\r\n" },
		{ "AUTH PLAIN\nXCLIENT NAME\nREQUIRETLS\nETRN\nX-EXPS NTLM", false,
		    "250 mx.example\r\n" },
		{ "HELP\nSIZE 0\nPIPELINING", true, "250-mx.example\r\n250-STARTTLS\r\n"
		    "250-PIPELINING\r\n250-SIZE 0\r\n250 HELP\r\n" },
		{ "SIZE", false, "250-mx.example\r\n250 SIZE\r\n" },
		{ "SIZE 5 ", false, "250-mx.example\r\n250 SIZE 5\r\n" },
		{ "DELIVERBY 240", false, "250-mx.example\r\n250 DELIVERBY 240\r\n" },
		{ "DELIVERBY", false, "250-mx.example\r\n250 DELIVERBY\r\n" },
		{ "BINARYMIME", false, "250 mx.example\r\n" },	/* RFC 3030 3 */
		{ "BINARYMIME\nCHUNKING\nSMTPUTF8\nDSN\nENHANCEDSTATUSCODES\n8BITMIME\nVRFY", false,
		    "250-mx.example\r\n250-VRFY\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
		    "250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 BINARYMIME\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t want = strlen(rows[i].offer);
		struct capability c;
		char out[512];

		read_lines(&c, rows[i].lines);
		assert_int_equal(capability_offer(&c, rows[i].own_starttls, "mx.example", out,
		    sizeof(out)), want);
		assert_memory_equal(out, rows[i].offer, want);
		for (size_t size = 1; size <= want; size++)	/* the NUL needs room too */
			assert_int_equal(capability_offer(&c, rows[i].own_starttls, "mx.example",
			    out, size), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_servers),
		cmocka_unit_test(masked),
		cmocka_unit_test(not_masked_beside_starttls),
		cmocka_unit_test(other_lengths),
		cmocka_unit_test(offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
