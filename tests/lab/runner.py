# runner.py - collects the cases, runs them side by side, and reports in TAP
# SPDX-License-Identifier: GPL-3.0-or-later
import argparse
import glob
import importlib
import os
import queue
import sys
import threading
import time
import traceback

import lab
import postern
from inside import BUILD, LAB, STATE

# Seconds for everything; what has not ended by then has failed. Sanitizers take their time.
LIMIT = 900 if "sanitize" in BUILD else 480
cases = []


def case(name, alone=False, direct=False, first=False):
    """Marks a function as a case. alone: nothing else runs meanwhile, since it loads the machine.
    direct: shows the laboratory itself and needs no posternd. first: it takes long, by waiting."""
    def mark(function):
        entry = (name, function, alone, direct)
        cases.insert(0, entry) if first else cases.append(entry)
        return function
    return mark


class Report:
    def __init__(self, total):
        self.lock = threading.Lock()
        self.number = self.failed = 0
        self.running = {}
        print(f"1..{total}", flush=True)

    def line(self, name, error, took, notes):
        with self.lock:
            self.running.pop(name, None)
            self.number += 1
            self.failed += bool(error)
            print(f"{'not ok' if error else 'ok'} {self.number} - {name}" +
                  (f" # {took:.1f} s" if took > 5 else ""))
            for text in ([error] if error else []) + notes:
                for row in str(text).rstrip().splitlines()[-30:]:
                    print("# " + row[:2000])
            sys.stdout.flush()


def run_one(laboratory, report, name, function):
    start = time.time()
    report.running[name] = start
    view = lab.Case(laboratory, name)
    error = None
    try:
        function(view)
    except lab.Failure as e:
        place = traceback.extract_tb(e.__traceback__)
        here = [f for f in place if "cases_" in f.filename]
        error = f"{os.path.basename(here[-1].filename)}:{here[-1].lineno}: {e}" if here else str(e)
    except BaseException:
        error = traceback.format_exc()
    view.close()
    report.line(name, error, time.time() - start, view.notes)


def work(laboratory, report, todo):
    while True:
        try:
            name, function = todo.get_nowait()
        except queue.Empty:
            return
        run_one(laboratory, report, name, function)


def watch(report):
    end = time.time() + LIMIT
    while time.time() < end:
        time.sleep(1)
    with report.lock:
        for name in report.running:
            report.number += 1
            print(f"not ok {report.number} - {name}\n# not ended after {LIMIT} s in all")
        print(f"# the laboratory was stopped after {LIMIT} s", flush=True)
    os._exit(1)


def complaints(laboratory):
    """What sanitizers and assertions said in any gateway; None when they were silent."""
    found = []
    for gateway in filter(None, (laboratory.gateway, laboratory.inspector,
                                 laboratory.doubter)):
        if (status := gateway.stop()) != 0:
            found.append(f"gateway {gateway.number}: exit status {status} after SIGTERM")
    for path in glob.glob(STATE + "/gw*/posternd.err"):
        with open(path, errors="replace") as f:
            lines = f.read().splitlines()
        for i, line in enumerate(lines):
            if any(w in line for w in ("Sanitizer", "runtime error:", "Assertion", "assertion")):
                found += lines[i:i + 12]
                break
    return "\n".join(found) or None


def main(argv):
    options = argparse.ArgumentParser(prog="tests/lab/run")
    options.add_argument("-j", type=int, default=8, help="cases side by side")
    options.add_argument("-l", action="store_true", help="list the cases")
    options.add_argument("word", nargs="*", help="only cases whose name holds one of these")
    options = options.parse_args(argv)
    for path in sorted(glob.glob(LAB + "/cases_*.py")):
        importlib.import_module(os.path.basename(path)[:-3])
    chosen = [c for c in cases if not options.word or any(w in c[0] for w in options.word)]
    if options.l:
        print("\n".join(c[0] for c in chosen))
        return 0
    proxied = postern.available()
    if not proxied:
        print("# build/posternd is missing: only the laboratory itself is tested")
        chosen = [c for c in chosen if c[3]]
    report = Report(len(chosen) + proxied)
    threading.Thread(target=watch, args=(report,), daemon=True).start()
    try:
        laboratory = lab.Lab(proxied)
    except Exception:
        report.line("the laboratory starts", traceback.format_exc(), 0, [])
        return 1
    print(f"# the laboratory started in {laboratory.took:.1f} s", flush=True)
    todo = queue.Queue()
    for name, function, alone, _ in chosen:
        if not alone:
            todo.put((name, function))
    workers = [threading.Thread(target=work, args=(laboratory, report, todo))
               for _ in range(options.j)]
    try:
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        for name, function, alone, _ in chosen:
            if alone:
                run_one(laboratory, report, name, function)
    except KeyboardInterrupt:
        print("# interrupted; nothing is left behind", flush=True)
        os._exit(130)
    if proxied:
        report.line("posternd ends well and had nothing to complain of", complaints(laboratory),
                    0, [])
    if report.failed:
        laboratory.keep_logs()
        print("# logs are in build/lab/logs")
    return 1 if report.failed or report.number == 0 else 0
