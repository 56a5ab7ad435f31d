/* proof.h - what a peer has proven about itself in one TLS handshake
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A proof knows nothing of any policy: the chain's standing and the names it carries are facts of
 * the handshake, and judge() (policy/judge.h) holds them against a requirement, as often as there
 * are recipient domains. */
#ifndef TLS_PROOF_H
#define TLS_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tls/tlsa.h"

#define PROOF_CHAIN_MAX 12	/* certificates; longer chains are refused by the handshake */
#define PROOF_NAMES_MAX 256	/* DNS-IDs kept; of a certificate with more only these count */

enum proof_state {
	PROOF_NO_TLS,			/* no handshake was tried */
	PROOF_HANDSHAKE_FAILED,		/* it was, and did not finish: `detail` says why */
	PROOF_TLS			/* finished; the fields below are valid */
};

enum proof_chain {
	CHAIN_TRUSTED,			/* builds to a configured root, in date, fit for a server */
	CHAIN_EXPIRED,			/* some certificate is expired or not yet valid */
	CHAIN_UNTRUSTED,		/* self-signed, unknown CA, missing intermediate */
	CHAIN_INVALID,			/* wrong purpose, weak key, bad signature, ... */
	CHAIN_NONE			/* the peer showed no certificate */
};

/* How the chain stands against the TLSA set that was given to the handshake (tls/dane.h). */
enum proof_dane {
	PROOF_DANE_NOT_ASKED,		/* no set was given */
	PROOF_DANE_EE,			/* usage 3 matches the leaf: names and dates do not count */
	PROOF_DANE_TA,			/* usage 2 matches, the chain stands; names to be seen */
	PROOF_DANE_EXPIRED,		/* usage 2 matches, something on the way is out of date */
	PROOF_DANE_INVALID,		/* some record matches, but the chain or the session has
					 * another fault: weak, key not proven, no CA, ... */
	PROOF_DANE_UNMATCHED		/* no record matches */
};

struct proof {
	enum proof_state state;
	enum proof_chain chain;
	char detail[96];		/* OpenSSL's words for the fault, "" when there is none */
	char version[12];		/* "TLSv1.3" */
	char cipher[48];
	char sni[256];			/* what we sent, "" when nothing */
	bool resumed;
	time_t not_after;		/* of the leaf */
	size_t names_len;		/* DNS-IDs of the leaf, as presented, without NUL inside */
	const char *const *names;
	size_t chain_len;		/* SHA-256 of each certificate as sent, leaf first */
	uint8_t chain_sha256[PROOF_CHAIN_MAX][32];
	char subject[128], issuer[128];	/* of the leaf, one line, printable ASCII, cut to fit */
	enum proof_dane dane;
	uint8_t dane_digest[TLSA_DIGEST];	/* of the set it was held against, or zero */
	uint8_t dane_base, dane_record;	/* of what matched: indexes into that set */
	uint8_t dane_depth;		/* where the chain met it: 0 is the leaf */
	char dane_detail[96];		/* EXPIRED, INVALID, UNMATCHED: why; else "" */
	void *block;			/* owns names; proof_clear frees it */
};

/* proof_clear: frees what the proof owns and makes it PROOF_NO_TLS. */
void proof_clear(struct proof *p);

/* proof_dane_missing: a finished handshake without certificates that could be held against the set
 * (NULL: none). */
void proof_dane_missing(struct proof *p, const struct tlsa_set *tlsa, const char *why);

/* proof_names_host, proof_names_below: whether some DNS-ID of the leaf matches (tls/names.h). */
bool proof_names_host(const struct proof *p, const char *host);
bool proof_names_below(const struct proof *p, const char *domain);

const char *proof_chain_name(enum proof_chain c);
const char *proof_dane_name(enum proof_dane d);	/* "ee", "ta", "unmatched", ... */

#endif
