/* advice_inspect.c - with path: inspect: whose TLS session it was, and why not the MX's own
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * TLS that ends at postern is no fault: each recipient gets its own verdict then. So most advice is
 * about what keeps a session from passing end to end, and about marks of somebody in between. */
#include <stddef.h>
#include <string.h>

#include "ctl/advice.h"
#include "ctl/terminal.h"

#define UNREAD \
	"  The client's TLS session with the MX stayed its own: what the server said was\n" \
	"  held until it had proven itself, then all octets passed unread. The\n" \
	"  recipients, and so the domains it stood for, are not known; what was demanded\n" \
	"  is what all domains known to use this address demand together.\n"
#define RAISED \
	"  None of them demands proof. The MX host's name was demanded all the same,\n" \
	"  since nothing passes unread without it.\n"
#define COMPARE \
	"  No honest server does that: it is badly broken, or somebody on the path writes\n" \
	"  into the handshake. If it lasts, compare from another network.\n"
#define CERTIFICATE \
	"  The server did not prove itself in flight (detail above), so the client's TLS\n" \
	"  ended here, where each recipient gets its own verdict.\n"

#define NO_MEMORY \
	"  There was no memory left to look at the handshake. See posternctl doctor, and\n" \
	"  limits.sessions.\n"

static const struct {
	const char *code, *text;
} rows[] = {
	{ "tls13-offered",
	    "  The client offers TLS 1.3, where certificates travel encrypted: nothing can\n"
	    "  be proven in flight. For its TLS to stay its own it must offer TLS 1.2 at\n"
	    "  most on port 25. If it verifies MX hosts by itself, exempt it: leave it out\n"
	    "  of intercept.from, and leave out intercept.interface.\n" },
	{ "unmapped",
	    "  It was not known which domains use this address, or no one certificate can\n"
	    "  satisfy them all. Recipients seen here are remembered for the next session;\n"
	    "  with intercept.watch: yes so is what the clients' DNS answers say.\n" },
	{ "not-remembered",
	    "  The client resumed a session whose first handshake is not remembered here (for\n"
	    "  a day at most), and a resumption shows no certificate. Nothing to do: its\n"
	    "  next full handshake can pass.\n" },
	{ "not-tls",
	    "  The server's octets are no TLS where its handshake should be.\n" COMPARE },
	{ "alert",
	    "  The server answered the client's hello with an alert, mostly for want of a\n"
	    "  common version or cipher suite. postern's own handshake may find one.\n" },
	{ "wrong-order",
	    "  The server's messages came in an order that the standard does not know.\n" COMPARE },
	{ "too-many-records",
	    "  The server's flight came in more records than are looked at (64); honest ones\n"
	    "  take up to eight.\n" },
	{ "too-long",
	    "  The server's flight is longer than what is held (128 KiB); honest ones stay\n"
	    "  under 20 KiB.\n" },
	{ "malformed",
	    "  A message of the server's handshake cannot be read.\n" COMPARE },
	{ "hello-malformed",
	    "  The server's first message cannot be read.\n" COMPARE },
	{ "key-exchange-malformed",
	    "  The server's part of the key exchange cannot be read.\n" COMPARE },
	{ "empty-record",
	    "  The server sent an empty record inside its handshake.\n" COMPARE },
	{ "record-version",
	    "  The server's records bear another version than it chose.\n" COMPARE },
	{ "tls13-chosen",
	    "  The server chose TLS 1.3, which this client had not offered.\n" COMPARE },
	{ "version-not-offered",
	    "  The server chose a newer version than the client offers, or SSL.\n" COMPARE },
	{ "downgrade-marked",
	    "  The server says by the mark of RFC 8446 4.1.3 that it was made to choose an\n"
	    "  older version than the client offers: somebody on the path may have changed\n"
	    "  the client's hello. Compare from another network before you trust this path.\n" },
	{ "suite-not-offered",
	    "  The server chose a cipher suite that the client had not offered.\n" COMPARE },
	{ "compression-chosen",
	    "  The server chose to compress, which nobody should (CRIME) and hardly any\n"
	    "  client offers.\n" },
	{ "suite-unproven",
	    "  The cipher suite that was agreed on proves no server (anonymous, PSK, SRP,\n"
	    "  static DH, or unknown here). Have the client offer ECDHE suites.\n" },
	{ "extension-not-allowed",
	    "  The server answered with an extension that was not asked for, came twice, or\n"
	    "  changes what a certificate means (raw keys, cached information).\n" },
	{ "certificates-unusable",
	    "  The server's certificates cannot be read, are none, or more than twelve.\n" },
	{ "key-unfit",
	    "  The certificate's key cannot do what the cipher suite asks of it.\n" COMPARE },
	{ "signature-weak",
	    "  The handshake is signed with SHA-1 or MD5, and proof is demanded there. The\n"
	    "  client's or the server's TLS is old; TLS 1.2 with SHA-256 would do.\n" },
	{ "suite-weak",
	    "  The cipher suite that was agreed on is too weak for a proof.\n" },
	{ "version-too-low",
	    "  Client and server agreed on a version below TLS 1.2 where proof is demanded,\n"
	    "  or below tls.min-version. Here the client may, towards the MX it may not.\n" },
	{ "signature-invalid",
	    "  The signature over this handshake is not by the certificate's key: who\n"
	    "  answered may have copied the certificate and not have the key. Compare from\n"
	    "  another network before you trust this path.\n" },
	{ "group-unfit",
	    "  The key exchange used a group that the client had not offered or that is too\n"
	    "  weak (DHE below 2048 bits, explicit curves). Only the server's side can mend\n"
	    "  that; the client can prefer ECDHE.\n" },
	{ "signature-unfit",
	    "  The handshake was signed by an algorithm that the client had not offered or\n"
	    "  that does not fit the certificate's key.\n" COMPARE },
	{ "starttls-not-offered",
	    "  The server offers no STARTTLS, so there was no TLS session to pass on: the\n"
	    "  client's ended here. Whether mail may go on in clear text, each recipient's\n"
	    "  policy says.\n" },
	{ "starttls-refused",
	    "  The server offers STARTTLS and refused it, often for want of a certificate or\n"
	    "  memory; its words are above. If it lasts, tell its postmaster.\n" },
	{ "injected",
	    "  Octets stood behind the server's go-ahead for TLS, where no honest server\n"
	    "  sends any. None reached the client. Compare from another network before you\n"
	    "  trust this path.\n" },
	{ "server-gone",
	    "  The connection to the server broke before it had proven itself; a later\n"
	    "  recipient dials it anew. If it lasts, probe it: posternctl probe MX\n"
	    "  --domain DOMAIN.\n" },
	{ "client-hello",
	    "  The client's first octets are no ClientHello that can be followed (SSLv2,\n"
	    "  something else than TLS, or malformed; the detail above says which). Update\n"
	    "  the client.\n" },
	{ "no-answer",
	    "  The policy process did not answer in time, or could not decide now (the\n"
	    "  detail above says which). If it lasts: posternctl status, and your resolver.\n" },
	{ "out-of-memory", NO_MEMORY },
	{ "no-memory", NO_MEMORY },
	{ "chain-expired", CERTIFICATE
	    "  A certificate in its chain is out of date. Check this host's clock first.\n" },
	{ "chain-untrusted", CERTIFICATE
	    "  Its chain leads to no CA of tls.ca-file: self-signed, an intermediate\n"
	    "  certificate that is not sent, or somebody in between.\n" },
	{ "chain-invalid", CERTIFICATE
	    "  Its certificate or its handshake is unfit for a server, or too weak.\n" },
	{ "name-mismatch", CERTIFICATE
	    "  Its certificate does not carry the MX host's name (a common name does not\n"
	    "  count). Clients that send no SNI often get another name's certificate.\n" },
	{ "mx-mismatch", CERTIFICATE
	    "  The MX host is not among those that a policy of a domain there allows.\n" },
	{ "tls-version", CERTIFICATE
	    "  TLS 1.2 at least is demanded, and client or server speak an older version.\n" },
	{ "no-certificate", CERTIFICATE
	    "  It showed no certificate.\n" },
	{ "tlsa-unmatched", CERTIFICATE
	    "  None of its TLSA records matches what it showed.\n" },
	{ "fingerprint-unmatched", CERTIFICATE
	    "  It has none of the fingerprints in your rule's match:.\n" },
	{ "tlsa-other-set",
	    "  The client resumed a session that was proven under other TLSA records than\n"
	    "  those that count now. Nothing to do: its next full handshake can pass.\n" },
	{ "dane-required", CERTIFICATE
	    "  Your rule (dane-only) demands TLSA records that can be used; there are none.\n" },
	{ "tlsa-unusable", CERTIFICATE
	    "  Of its TLSA records there is none that SMTP can use.\n" },
};

static const char *
advice_unread(const json_t *decision)
{
	const char *type = terminal_member(json_object_get(decision, "policy"), "policy_type");

	return strcmp(type, "no-policy-found") == 0 ? UNREAD RAISED : UNREAD;
}

const char *
advice_inspect(const json_t *decision)
{
	const json_t *inspect = json_object_get(decision, "inspect");
	const char *outcome = terminal_member(inspect, "outcome");
	const char *code = terminal_member(inspect, "reason_code");
	size_t i;

	if (strcmp(outcome, "end-to-end") == 0)
		return advice_unread(decision);
	if (strcmp(outcome, "ended-here") != 0)
		return "";
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].code, code) == 0)
			return rows[i].text;
	return "  The client's TLS ended at postern, and each recipient gets its own verdict.\n"
	    "  The reason above is all that is known of why.\n";
}
