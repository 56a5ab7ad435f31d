/* show_dane.c - DANE in words: of a resolver, of an MX host, and of a certificate
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/show_dane.h"

#include <stdbool.h>
#include <string.h>

#include "ctl/host_terms.h"
#include "ctl/terminal.h"

#define HOST_INDENT 8
#define LABEL_WIDTH 11

struct word {
	const char *key, *text;
};

/* NULL: a state that this version does not know. */
static const char *
find(const struct word *words, size_t len, const char *key)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (strcmp(words[i].key, key) == 0)
			return words[i].text;
	return NULL;
}
#define FIND(words, key) find(words, sizeof(words) / sizeof((words)[0]), key)

void
show_dane_resolver(FILE *out, const json_t *dane)
{
	static const struct word words[] = {
		{ "available", "in force" },
		{ "unavailable", "NOT IN FORCE" },
		{ "broken", "in force, but the resolver fails" },
		{ "unknown", "in force, the resolver not yet checked" },
		{ "off", "off (policy.dane: no)" },
	};
	const char *state = terminal_member(dane, "state");
	const char *detail = terminal_member(dane, "detail");
	const char *text = FIND(words, state);

	if (text != NULL)
		fputs(text, out);
	else
		terminal_text(out, state[0] != '\0' ? state : "not known");
	if (detail[0] != '\0') {
		fputs(": ", out);
		terminal_text(out, detail);
	}
	if (strcmp(state, "unavailable") == 0 || strcmp(state, "broken") == 0)
		fputs("; next: posternctl doctor", out);
	putc('\n', out);
}

static void
label(FILE *out, const char *text)
{
	fprintf(out, "%*s%-*s ", HOST_INDENT, "", LABEL_WIDTH, text);
}

/* What a record names, for who does not have RFC 6698 at hand; "" where SMTP has no use for it. */
static const char *
named_by(const char *record)
{
	static const struct word words[] = {
		{ "3 1 1 ", "the server's own key, SHA-256" },
		{ "3 1 2 ", "the server's own key, SHA-512" },
		{ "3 1 0 ", "the server's own key, in full" },
		{ "3 0 1 ", "the server's own certificate, SHA-256" },
		{ "3 0 2 ", "the server's own certificate, SHA-512" },
		{ "3 0 0 ", "the server's own certificate, in full" },
		{ "2 1 1 ", "the key of a CA of its own choice, SHA-256" },
		{ "2 1 2 ", "the key of a CA of its own choice, SHA-512" },
		{ "2 1 0 ", "the key of a CA of its own choice, in full" },
		{ "2 0 1 ", "the certificate of a CA of its own choice, SHA-256" },
		{ "2 0 2 ", "the certificate of a CA of its own choice, SHA-512" },
		{ "2 0 0 ", "the certificate of a CA of its own choice, in full" },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(record, words[i].key, strlen(words[i].key)) == 0)
			return words[i].text;
	return strncmp(record, "0 ", 2) == 0 || strncmp(record, "1 ", 2) == 0 ?
	    "usages 0 and 1 are not for SMTP" : "";
}

static void
show_record(FILE *out, const json_t *record)
{
	const char *text = json_string_value(record);
	const char *named = text != NULL ? named_by(text) : "";

	terminal_value(out, record);
	if (named[0] != '\0')
		fprintf(out, " (%s)", named);
	putc('\n', out);
}

static void
show_state(FILE *out, const json_t *dane)
{
	static const struct word words[] = {
		{ "usable", "usable records: TLS is demanded, and a certificate that one of them "
		    "matches" },
		{ "unusable", "records, but none that SMTP can use (see DNS below): TLS is "
		    "demanded, unauthenticated" },
		{ "none", "no TLSA records" },
		{ "insecure", "not signed (DNSSEC), so there is nothing to go by" },
		{ "error", "ERROR: an answer is bogus or there is none (see DNS below)" },
	};
	const char *state = terminal_member(dane, "state"), *text = FIND(words, state);

	label(out, "DANE");
	if (text != NULL)
		fputs(text, out);
	else
		terminal_text(out, state[0] != '\0' ? state : "-");
	putc('\n', out);
}

/* The engine's word, and what it depends on. */
static void
show_would(FILE *out, const json_t *report, const json_t *mx)
{
	const char *would = terminal_member(mx, "would"), *reason = terminal_member(mx, "reason");

	label(out, "would");
	if (strcmp(would, "deliver") == 0)
		fprintf(out, "deliver%s", host_terms(report, mx));
	else if (strcmp(would, "refuse") == 0)
		fputs("REFUSE", out);
	else if (strcmp(would, "defer") == 0)
		fputs("DEFER", out);
	else
		fputs("not be tried", out);
	if (reason[0] != '\0') {
		fputs(": ", out);
		terminal_text(out, reason);
	}
	putc('\n', out);
}

void
show_dane_host(FILE *out, const json_t *report, const json_t *mx)
{
	const json_t *dane = json_object_get(mx, "dane"), *item;
	size_t i;

	show_would(out, report, mx);
	show_state(out, dane);
	if (terminal_member(dane, "base")[0] != '\0') {
		label(out, "TLSA base");
		terminal_text(out, terminal_member(dane, "base"));
		putc('\n', out);
	}
	json_array_foreach(json_object_get(dane, "records"), i, item) {
		label(out, "record");
		show_record(out, item);
	}
	json_array_foreach(json_object_get(mx, "dns"), i, item) {
		label(out, i == 0 ? "DNS" : "");
		terminal_value(out, item);
		putc('\n', out);
	}
}

static const char *
proof_text(const char *state)
{
	static const struct word words[] = {
		{ "ee", "a record names the server's own certificate or key: neither names nor "
		    "dates count" },
		{ "ta", "a record names a CA, and the server's chain leads to it: one of the "
		    "names must match too" },
		{ "expired", "a record names a CA, but the chain to it is out of date" },
		{ "invalid", "a record names a CA, but the chain to it is not valid" },
		{ "unmatched", "NO record matches what the server showed" },
	};

	return FIND(words, state);
}

/* Of the chain that was built. A record that holds a CA's key in full (2 1 0) needs no certificate
 * of that CA: it may have been met by a signature, one place below. */
static void
show_depth(FILE *out, const json_t *tls, const json_t *dane)
{
	json_int_t at = json_integer_value(json_object_get(dane, "depth"));
	size_t sent = json_array_size(json_object_get(tls, "chain_sha256"));
	const char *record = terminal_member(dane, "record");

	if (at == 0)
		fputs(record[0] == '2' ? "a trust anchor not sent, which signed the leaf\n" :
		    "the leaf\n", out);
	else if (at > 0 && (size_t)at < sent)
		fprintf(out, "certificate %lld of the chain%s\n", (long long)at + 1,
		    strncmp(record, "2 1 0 ", 6) == 0 ? ", or what signed it" : "");
	else
		fputs("a trust anchor not sent\n", out);
}

static void
field(FILE *out, const char *text, const json_t *value)
{
	if (value == NULL)
		return;
	fprintf(out, "  %-14s ", text);
	terminal_value(out, value);
	putc('\n', out);
}

/* A rule's fingerprint is held against the chain as the TLSA records that say the same. */
static const char *
heading(const json_t *decision)
{
	const char *type = terminal_member(json_object_get(decision, "policy"), "policy_type");

	return strcmp(type, "local") == 0 ? "TLSA records, or the rule's fingerprints" : "DANE";
}

void
show_dane_proof(FILE *out, const json_t *decision)
{
	const json_t *tls = json_object_get(decision, "tls"), *dane = json_object_get(tls, "dane");
	const char *state = terminal_member(dane, "state"), *text = proof_text(state);

	if (json_object_size(dane) == 0)
		return;
	fprintf(out, "%s\n  %-14s ", heading(decision), "proof");
	terminal_text(out, state);
	fprintf(out, "%s%s\n", text != NULL ? ": " : "", text != NULL ? text : "");
	if (json_is_string(json_object_get(dane, "record"))) {
		fprintf(out, "  %-14s ", "matched by");
		show_record(out, json_object_get(dane, "record"));
	}
	field(out, "TLSA base", json_object_get(dane, "base"));
	if (json_is_integer(json_object_get(dane, "depth"))) {
		fprintf(out, "  %-14s ", "met at");
		show_depth(out, tls, dane);
	}
	field(out, "detail", json_object_get(dane, "detail"));
}
