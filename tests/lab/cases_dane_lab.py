# cases_dane_lab.py - that the laboratory's own TLSA records and faults are what they are taken for
# SPDX-License-Identifier: GPL-3.0-or-later
import itertools
import re
from concurrent.futures import ThreadPoolExecutor

import dane_table
from runner import case


def finger(lab, host):
    """How Postfix's own DANE sees an MX host: "Verified", "Untrusted", ..., and all it said."""
    done = lab.lab.net.mx.run(["env", "MAIL_CONFIG=" + lab.lab.postfix.etc, "posttls-finger", "-c",
                               "-l", "dane", "-L", "summary,untrusted", host], check=False)
    m = re.search(r"(\w+) TLS connection established", done.stdout)
    return m[1] if m else "none", done.stdout


@case("lab: Postfix's own DANE judges every combination of TLSA records as our table does",
      direct=True)
def oracle(lab):
    rows = itertools.chain(dane_table.matrix(), dane_table.kinds(), dane_table.sets(),
                           dane_table.unusable())
    # Common names count for Postfix, where there is no other; ours is settled otherwise. And its
    # library does not look at the dates of a trust anchor that is not self-signed.
    made = dane_table.hosts(lab, [r for r in rows if (r.kind, r.want) != ("cn-only", "name") and
                                  r.records != ["2 1 1 expired-sub"]])
    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda h: finger(lab, h.name), made))
    odd = [f"{h.row}: {word}: {text}" for h, (word, text) in zip(made, seen)
           if (word == "Verified") != (h.row.want in ("ee", "ta"))]
    lab.notes.append(f"{len(made)} combinations")
    lab.same(odd, [], "combinations that Postfix judges otherwise")
