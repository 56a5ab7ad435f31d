/* config.h - the configuration, read once and passed as const
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys, defaults and meaning: postern.yaml(5). Strings belong to the configuration. */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "daemon/address.h"
#include "policy/level.h"

#define CONFIG_PATH "/etc/postern/postern.yaml"
#define CONFIG_WORKERS_MAX 64
#define CONFIG_RESOLVERS_MAX 4

enum config_mode { MODE_ENFORCE, MODE_MONITOR };
enum config_method { METHOD_REDIRECT, METHOD_TPROXY, METHOD_NONE };
enum config_backend { BACKEND_IPTABLES, BACKEND_NFT };
enum config_trust_ad { TRUST_AD_AUTO, TRUST_AD_YES, TRUST_AD_NO };
enum config_journal { JOURNAL_AUTO, JOURNAL_YES, JOURNAL_NO };
enum config_recipients { RECIPIENTS_DOMAIN, RECIPIENTS_FULL, RECIPIENTS_NONE };

/* A fingerprint: SHA-256 or SHA-512, of the server's certificate or of its public key. */
#define CONFIG_MATCHES_MAX 8	/* two TLSA records each (tls/tlsa.h) */
struct config_match {
	size_t len;		/* 32 or 64 */
	uint8_t digest[64];
};

/* One entry of `domains:` or `relays:`. */
struct config_rule {
	char *name;		/* A-labels, lower case, no trailing dot */
	enum level level;
	char *reason;		/* never NULL for domains; may be NULL for relays */
	time_t until;		/* first second after the last valid day, UTC; 0 = no end */
	struct config_match *match;	/* with LEVEL_FINGERPRINT, at least one; else NULL */
	size_t match_len;
	unsigned line;		/* where it stands in the file */
};

struct config {
	enum config_mode mode;
	bool inspect;				/* path: inspect; needs client.tls_offer */
	char *user;
	unsigned workers;			/* resolved: auto is already the number of CPUs */
	char *state_dir, *control;
	struct {
		enum config_method method;
		enum config_backend backend;
		struct address listen;
		struct network *from;
		size_t from_len;
		char *interface;		/* NULL when not given */
		bool local;			/* this host's own mail too */
		bool source_client;		/* keep the client's address; with tproxy alone */
		bool open;			/* when-down: open */
		bool required;			/* scope: required */
		unsigned settle_s;		/* for so long unseen DNS answers may be in use */
		bool watch;			/* the nfq process: DNS, gate, rules */
	} intercept;
	struct {
		bool tls_offer;
	} client;
	struct {
		struct address servers[CONFIG_RESOLVERS_MAX];
		size_t servers_len;		/* 0 never: resolv.conf was read */
		enum config_trust_ad trust_ad;
	} resolver;
	struct {
		char *ca_file;
		int min_version;		/* OpenSSL's number: 0x0303 is TLS 1.2 */
	} tls;
	struct {
		bool mta_sts, dane, both;
		enum level no_policy;		/* LEVEL_MAY or LEVEL_ENCRYPT */
		bool stripping_refuse;
		unsigned wait_s;
	} policy;
	struct {
		unsigned sessions, sessions_per_client;
	} limits;
	struct {
		char *file;
		enum config_journal journal;
		enum config_recipients recipients;
	} log;
	struct config_rule *relays, *domains;	/* sorted by name */
	size_t relays_len, domains_len;
};

/* config_load: reads FILE; every error and warning goes to `diagnostics` in the form
 * FILE:LINE:COLUMN: error: ...; the number of errors goes to *errors, of warnings to *warnings
 * (either may be NULL). Returns NULL when there was any error. The caller frees it with
 * config_free. */
struct config *config_load(const char *file, FILE *diagnostics, unsigned *errors,
    unsigned *warnings);
/* config_anyway: what is right in a FILE with errors, all else as the defaults, for who looks for
 * the control socket alone; NULL when it cannot be read at all. */
struct config *config_anyway(const char *file);
void config_free(struct config *c);	/* NULL is allowed */

/* config_rule_find: exact match by name; NULL when there is none or it has lapsed at `now`. */
const struct config_rule *config_rule_find(const struct config_rule *rules, size_t len,
    const char *name, time_t now);

#endif
