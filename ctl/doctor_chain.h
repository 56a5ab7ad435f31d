/* doctor_chain.h - the machine's packet filter rules, as far as they concern one new TCP connection
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Read from what iptables-save and `nft list ruleset` print. An approximation for advice:
 * conditions that are not understood may be met or not, and a view says so. Rules of ours are left
 * out. */
#ifndef CTL_DOCTOR_CHAIN_H
#define CTL_DOCTOR_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of a text. */
struct token {
	const char *p;
	size_t len;
};

enum chain_verdict {
	VERDICT_NONE,		/* counted, logged, marked: the next rule follows */
	VERDICT_ACCEPT, VERDICT_DROP, VERDICT_RETURN, VERDICT_JUMP,
	VERDICT_REDIRECT	/* REDIRECT, DNAT, TPROXY */
};

enum chain_match {
	CHAIN_NEVER,
	CHAIN_MAYBE,		/* says nothing of the port */
	CHAIN_NAMED		/* names the port */
};

/* What a rule does with the connection. */
struct chain_view {
	enum chain_match match;
	bool sure;		/* every condition is understood and met */
	bool toward;		/* only to certain addresses */
	enum chain_verdict verdict;
	struct token target;	/* of a jump */
	const char *family;	/* "ip", "ip6" by iptables; NULL: nft */
};

struct chain_packet {
	uint16_t port;
	const char *interface;	/* it comes in by; NULL: not known, "": made on this host */
};

struct chains;

struct chains *chains_new(void);	/* NULL when out of memory */
void chains_free(struct chains *c);

/* chains_iptables: adds an output of iptables-save; family is "ip" or "ip6". chains_nft: one of
 * `nft list ruleset`, but for tables that iptables-save has shown. Both take over `text`, which was
 * allocated; false when out of memory. */
bool chains_iptables(struct chains *c, char *text, const char *family);
bool chains_nft(struct chains *c, char *text);

/* chains_walk: calls `rule` for each rule of this hook's base chains, and of the chains they jump
 * to, that may meet the packet, until it says false; then `end` with the base chain's policy and
 * its family, as in a view. */
struct chain_visitor {
	bool (*rule)(void *arg, const struct chain_view *v, struct token line);
	void (*end)(void *arg, const char *family, bool drops);	/* may be NULL */
	void *arg;
};
void chains_walk(const struct chains *c, const char *hook, const struct chain_packet *packet,
    const struct chain_visitor *visitor);

/* doctor_iptables.c, doctor_nft.c: one rule. nft's needs the sets of its table. */
void iptables_rule(struct token line, const struct chain_packet *packet, struct chain_view *out);
void nft_rule(struct token line, const struct chain_packet *packet, const struct chains *sets,
    struct token table, struct chain_view *out);

/* chains_set: the elements of a set, without the braces; false when it is not known. */
bool chains_set(const struct chains *c, struct token table, struct token name, struct token *out);

/* For the readers: token_next takes a word off the front, a quoted one whole and without its
 * quotes; token_is compares. token_has and token_has_port: is it among elements parted by commas?
 * Ranges of ports are 20:30 or 20-30. */
bool token_next(struct token *rest, struct token *out);
bool token_is(struct token t, const char *word);
bool token_has(struct token elements, const char *word);
bool token_has_port(struct token elements, uint16_t port);

#endif
