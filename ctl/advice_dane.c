/* advice_dane.c - the next step after a decision by DANE, or by a rule's fingerprint
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What TLSA records demand only the recipient's side can mend, or the resolver here. An exception
 * is named where an honest operator is the likelier cause. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "ctl/advice.h"
#include "ctl/terminal.h"

#define EXCEPTION \
	"  If the mail must go before that is mended, a rule below domains: in\n" \
	"  postern.yaml (level, reason, until) lets it: that gives up the proof for\n" \
	"  this domain.\n"
#define LOOK "  posternctl domain DOMAIN shows the records that are there now.\n"
#define RESOLVER \
	"  Ask your resolver (delv NAME TYPE, with a name above). If it fails for this\n" \
	"  domain alone, their zone is broken or somebody forges, and waiting is right; if\n" \
	"  for others too, see this host's clock and resolver (posternctl doctor).\n"

static const struct {
	const char *reason_code, *policy_type;		/* "" fits any type */
	const char *text;
} rows[] = {
	{ "tlsa-unmatched", "",
	    "  None of the host's TLSA records matches what the server showed. Mostly its\n"
	    "  certificate was renewed with a new key and the records were not, or a CA is\n"
	    "  named (usage 2) whose certificate the server does not send; or you did not\n"
	    "  reach their server. Compare \"chain_sha256\" above from another network. If it\n"
	    "  differs there, somebody is in between, and the refusal was right. If not, tell\n"
	    "  their postmaster: a new record must be out for its whole TTL before the\n"
	    "  certificate changes.\n" LOOK EXCEPTION },
	{ "tlsa-other-set", "",
	    "  The TLSA records that count now are not those that this session was proven\n"
	    "  under: they changed in between, or another domain's hosts have others. The\n"
	    "  MTA tries again by itself, and gets a session of its own then.\n" LOOK },
	{ "tlsa-undecided", "",
	    "  Whether the host has TLSA records could not be found out: an answer failed or\n"
	    "  is bogus, see the DNS answers above. Records held back would look the same,\n"
	    "  so nothing was sent; the MTA tries its other MX hosts, and this one again.\n"
	    RESOLVER },
	{ "dnssec-bogus", "",
	    "  The domain's MX records are signed and the answer does not validate, see the\n"
	    "  DNS answers above: nobody can say which servers are theirs. The MTA tries\n"
	    "  again by itself.\n" RESOLVER },
	{ "dane-required", "",
	    "  Your rule's level is dane-only, and the host has no TLSA records that are\n"
	    "  signed, or the MX records are not. Ask their postmaster whether they meant to\n"
	    "  give DANE up; see that your resolver validates (posternctl status, line DANE).\n"
	    "  Level dane demands it only while there are records.\n" LOOK },
	{ "tlsa-unusable", "tlsa",
	    "  The host has TLSA records, but none that SMTP can use (usage 0 or 1, an\n"
	    "  unknown type, malformed data): TLS was demanded, and nobody authenticated.\n"
	    "  Tell their postmaster: 3 1 1 and the SHA-256 of the server's key would do.\n"
	    LOOK },
	{ "tlsa-unusable", "",
	    "  Your rule demands DANE, and the host has TLSA records, but none that SMTP can\n"
	    "  use (usage 0 or 1, an unknown type, malformed data). Tell their postmaster:\n"
	    "  3 1 1 and the SHA-256 of the server's key would do. Until then, level dane\n"
	    "  instead of dane-only would deliver over TLS, unauthenticated.\n" LOOK },
	{ "fingerprint-unmatched", "",
	    "  The server's certificate and key have none of the fingerprints in your rule's\n"
	    "  match:. Ask its operator, not the server, for the new one, then change match:\n"
	    "  and posternctl reload. List the old and the new one while they change.\n"
	    "  Without such word, you did not reach their server.\n" },
	{ "proven", "tlsa",
	    "  Nothing to do: it went out over TLS, and the server is the one that the\n"
	    "  host's TLSA records name.\n" },
	{ "name-mismatch", "tlsa",
	    "  The CA that the TLSA records name (usage 2) vouches for the chain, but none of\n"
	    "  the names that count is in the certificate (a common name does not count).\n"
	    "  Their postmaster must correct the certificate, or publish usage 3, where\n"
	    "  names do not count. With policy.both it may be MTA-STS that misses the name.\n"
	    EXCEPTION },
	{ "chain-expired", "tlsa",
	    "  The chain to the CA that the TLSA records name (usage 2) is out of date. Check\n"
	    "  this host's own clock first (timedatectl). If it is right, their postmaster\n"
	    "  must renew; with usage 3 dates do not count.\n" EXCEPTION },
	{ "chain-invalid", "tlsa",
	    "  The chain to the CA that the TLSA records name (usage 2) does not stand; the\n"
	    "  detail above says why: a signature, what the CA may vouch for, or certificates\n"
	    "  between that are not sent. Only their postmaster can mend it.\n" EXCEPTION },
	{ "no-certificate", "tlsa",
	    "  The server showed no certificate, where its TLSA records announce one. Their\n"
	    "  postmaster must mend it, or you did not reach their server.\n" EXCEPTION },
	{ "starttls-absent", "tlsa",
	    "  The host has signed TLSA records, which promise TLS, and offers none. Probe it\n"
	    "  from another network (posternctl probe there, or openssl s_client -starttls\n"
	    "  smtp): if STARTTLS is there, something on your path strips it, and the refusal\n"
	    "  was right; if not, their server is broken, and their postmaster must mend it.\n"
	    EXCEPTION },
};

const char *
advice_dane(const json_t *decision)
{
	const char *code = terminal_member(json_object_get(decision, "decision"), "reason_code");
	const char *type = terminal_member(json_object_get(decision, "policy"), "policy_type");
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].reason_code, code) == 0 && (rows[i].policy_type[0] == '\0' ||
		    strcmp(rows[i].policy_type, type) == 0))
			return rows[i].text;
	return "";
}
