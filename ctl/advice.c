/* advice.c - the next step for an administrator after a decision
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One table, the first row that fits counts. The advice says who can mend it: mostly the
 * recipient's side, sometimes us, and sometimes nobody because it is an attack. */
#include "ctl/advice.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "ctl/terminal.h"

#define EXCEPTION \
	"  If the mail must go before that is mended, a rule below domains: in\n" \
	"  postern.yaml (level, reason, until) lets it: that gives up the proof for\n" \
	"  this domain.\n"

static const struct {
	const char *result_type, *reason_code, *starttls, *source;	/* "" fits anything */
	const char *text;
} rows[] = {
	{ "success", "proven", "", "",
	    "  Nothing to do: it went out over TLS, the server proven.\n" },
	{ "success", "tls-unauthenticated", "", "",
	    "  Nothing demanded proof: it went out over TLS, the server's identity unknown.\n"
	    "  Where that is not enough, give the domain level: verify or secure, below\n"
	    "  domains: in postern.yaml.\n" },
	{ "success", "handshake-failed", "", "",
	    "  Nothing demanded TLS and the handshake failed: it went out in clear text.\n"
	    "  Where that must not be, give the domain level: encrypt, or set\n"
	    "  policy.no-policy: encrypt.\n" },
	{ "success", "", "absent", "",
	    "  Nothing demanded TLS and the server offers none: it went out in clear text.\n"
	    "  Where that must not be, give the domain level: encrypt, or set\n"
	    "  policy.no-policy: encrypt.\n" },
	{ "success", "", "", "",
	    "  Nothing to do.\n" },
	{ "", "", "injected", "",
	    "  Octets stood behind the server's go-ahead for TLS, where no honest server\n"
	    "  sends any: somebody on the path injects, or the server is badly broken.\n"
	    "  Compare from another network before you trust this path; do not write an\n"
	    "  exception.\n" },
	{ "starttls-not-supported", "", "masked", "",
	    "  The keyword STARTTLS was overwritten on the way (as 250-XXXXXXXA). Look for\n"
	    "  a firewall that inspects SMTP on your side first (\"SMTP fixup\", \"ESMTP\n"
	    "  inspection\") and turn that off; if it is not yours, it is on the path, and\n"
	    "  the refusal was right.\n" },
	{ "starttls-not-supported", "", "", "memory",
	    "  This host offered STARTTLS before and does not now. Probe it from another\n"
	    "  network: if STARTTLS is there, something on your path strips it. If its\n"
	    "  operator turned TLS off for good: posternctl policy forget HOST.\n" },
	{ "starttls-not-supported", "", "refused", "",
	    "  The server offers STARTTLS and refuses the command, often for want of a\n"
	    "  certificate or memory. The MTA tries again by itself. If it lasts, tell the\n"
	    "  recipient's postmaster, with the server's reply above.\n" },
	{ "starttls-not-supported", "", "", "",
	    "  The domain demands TLS and the server offers none. Probe it from another\n"
	    "  network (posternctl probe there, or openssl s_client -starttls smtp): if\n"
	    "  STARTTLS is there, something on your path strips it; if not, their server\n"
	    "  and their policy contradict each other, and their postmaster must mend one\n"
	    "  of them.\n" EXCEPTION },
	{ "", "mx-mismatch", "", "",
	    "  The MX host is not among those the domain's policy allows. Either they\n"
	    "  changed their MX records and forgot the policy (posternctl policy refresh\n"
	    "  DOMAIN shows whether a new one is out), or the MX answer was forged. Tell\n"
	    "  their postmaster which MX was seen.\n" EXCEPTION },
	{ "certificate-host-mismatch", "", "", "",
	    "  The certificate does not carry the MX host's name (a common name does not\n"
	    "  count). Compare the names above with the policy's. If the name is their\n"
	    "  provider's, their postmaster must correct the policy or the certificate; a\n"
	    "  name that belongs to nobody involved means that you did not reach their\n"
	    "  server.\n" EXCEPTION },
	{ "certificate-expired", "", "", "",
	    "  A certificate in the chain is out of date (\"not_after\" above). Check this\n"
	    "  host's own clock first (timedatectl). If it is right, their postmaster must\n"
	    "  renew; the MTA keeps trying meanwhile.\n" EXCEPTION },
	{ "certificate-not-trusted", "", "", "",
	    "  The chain does not lead to a CA that you trust. Often the server does not\n"
	    "  send its intermediate certificate, or it is self-signed: their postmaster\n"
	    "  must mend that. See also that tls.ca-file is current (apt upgrade\n"
	    "  ca-certificates). A CA that nobody knows, for a server that used to be fine,\n"
	    "  is the mark of somebody in between.\n" EXCEPTION },
	{ "", "dns-undecided", "", "",
	    "  The domain's MX hosts could not be looked up; the MTA tries again by itself.\n"
	    "  Ask your resolver (dig DOMAIN MX; delv DOMAIN MX): if it fails for this\n"
	    "  domain alone, their zone is broken or somebody forges; if for all, see your\n"
	    "  resolver and the clock.\n" },
	{ "", "policy-pending", "", "",
	    "  The domain's policy was still on its way; the next try of the MTA finds it\n"
	    "  or goes on without. If it lasts: posternctl policy refresh DOMAIN, and see\n"
	    "  that this host may reach port 443 outside.\n" },
	{ "", "service-down", "", "",
	    "  The policy process did not answer in time. See posternctl status, and\n"
	    "  journalctl -u posternd; the MTA tries again by itself.\n" },
	{ "", "null-mx", "", "",
	    "  The domain says that it takes no mail (null MX, RFC 7505). Tell the sender;\n"
	    "  the MTA gives up when its queue lifetime is over.\n" },
	{ "", "no-certificate", "", "",
	    "  The server showed no certificate: an anonymous handshake proves nothing.\n"
	    "  Their postmaster must mend it, or you did not reach their server.\n" EXCEPTION },
	{ "validation-failure", "", "", "",
	    "  The TLS handshake did not finish, or the certificate is unfit for a server;\n"
	    "  the detail above says which. Servers that know only old TLS fail here where\n"
	    "  proof is demanded (TLS 1.2 at least). Probe once more: posternctl probe MX\n"
	    "  --domain DOMAIN.\n" EXCEPTION },
	{ "sts-policy-fetch-error", "", "", "",
	    "  The domain announces an MTA-STS policy that could not be fetched. See that\n"
	    "  this host may reach port 443 outside, then: posternctl policy refresh\n"
	    "  DOMAIN.\n" },
	{ "sts-policy-invalid", "", "", "",
	    "  The domain's policy file is malformed; posternctl domain DOMAIN names the\n"
	    "  line. Only their postmaster can mend it. A policy cached before stays in\n"
	    "  force.\n" },
	{ "sts-webpki-invalid", "", "", "",
	    "  The policy host's own certificate (mta-sts.DOMAIN) is not valid. Only their\n"
	    "  postmaster can mend it. A policy cached before stays in force.\n" },
};

static bool
fits(const char *wanted, const char *found)
{
	return wanted[0] == '\0' || strcmp(wanted, found) == 0;
}

const char *
advice_for(const json_t *decision)
{
	const json_t *d = json_object_get(decision, "decision");
	const char *starttls = terminal_member(json_object_get(decision, "smtp"), "starttls");
	const char *source = terminal_member(json_object_get(decision, "policy"), "source");
	const char *by_dane = advice_dane(decision);
	size_t i;

	if (by_dane[0] != '\0')
		return by_dane;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fits(rows[i].result_type, terminal_member(d, "result_type")) &&
		    fits(rows[i].reason_code, terminal_member(d, "reason_code")) &&
		    fits(rows[i].starttls, starttls) && fits(rows[i].source, source))
			return rows[i].text;
	return "  The reason above is all that is known. Probe the host: posternctl probe MX\n"
	    "  --domain DOMAIN; a deferral resolves itself with the next try.\n";
}
