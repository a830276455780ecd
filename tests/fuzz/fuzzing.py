"""Random and broken specs, equations, models, documents and claims, thrown at the public doors.

    python tests/fuzz/fuzzing.py 102000            17,000 seeds of each kind, on all processors
    python tests/fuzz/fuzzing.py 20000 documents 7

An input passes when it is taken, or refused by a ValueError that says something, within 10 seconds
and 1 GB; a document keeps every byte outside of its markers, and no program of an input is run.
Anything else is printed, and kept as a file in ``fuzz_cases`` beside this file
(``KIND-NAME.json``), which the default tests run ever after.
"""

import json
import os
import random
import re
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tables"))
from fuzzed import (
    drawn_claims,
    drawn_documents,
    drawn_equations,
    drawn_models,
    drawn_second,
    drawn_specs,
)

import gradproof as gp
from gradproof.embedding.documents import embed
from gradproof.reports.markers.document import _SCANS, syntax_of
from gradproof.reports.markers.marker import paired
from gradproof.symbolic.specs.reader import read_text

CASES = Path(__file__).parent / "fuzz_cases"
SLOW = 10.0
"""Seconds of the processor for an input."""
ENDLESS = 60
"""Seconds of the processor after which an input is ended."""
LARGE = 2**30
"""Bytes of memory for it."""

# --- what is done with them ---


def try_equations(case, folder):
    derivation = gp.derive(gp.equations(case["text"], **case["shapes"]))
    str(derivation)
    derivation.compile()
    derivation.numpy_source()


def try_second(case, folder):
    derivation = gp.derive(gp.equations(case["text"], **case["shapes"]))
    of, one, other = case["of"], case["one"], case["other"]
    made = {"hessian": lambda: derivation.hessian(one, other),
            "hvp": lambda: derivation.hvp(one, other),
            "jacobian": lambda: derivation.jacobian(one, other),
            "jvp": lambda: derivation.jvp(one, other),
            "vjp": lambda: derivation.vjp(one, other)}[of]()
    str(made)
    made.latex()
    made.compile()
    made.numpy_source()


def try_specs(case, folder):
    network = read_text(case["text"], "fuzzed.toml", "fuzzed")
    network.system()


def try_models(case, folder):
    settings = {key: value for key, value in case.items() if key != "derive"}
    model = gp.Model(settings.pop("input"), settings.pop("layers"), **settings)
    if case.get("derive"):
        derivation = gp.derive(model)
        str(derivation)
        derivation.compile()
        derivation.numpy_source()


def try_documents(case, folder):
    file = folder / f"page{case['suffix']}"
    before = case["text"].encode("utf-8", "surrogatepass")
    syntax = syntax_of(file)
    file.write_bytes(before)
    (document,) = embed([file], force=case["force"])
    after = file.read_bytes()
    if document.failed:
        assert after == before, "a document with an error was written"
    if syntax != "notebook":
        assert outside(after, syntax) == outside(before, syntax), "bytes outside changed"
    if document.changed and not document.failed and not case["force"]:
        assert not [p for p in embed([file], check=True)[0].problems if p.kind in ("stale",
                                     "error")]


def outside(data, syntax):
    """What stands outside of a document's markers."""
    text = data.decode("utf-8", "surrogatepass")
    place, parts = 0, []
    for marker in paired(_SCANS[syntax](text), text)[0]:
        parts.append(text[place : marker.opening.end])
        place = marker.closing.end
    return [*parts, text[place:]]


def try_claims(case, folder):
    from gradproof.reports.sections.claims import compare
    from gradproof.reports.worked.figures import evaluate
    from gradproof.reports.worked.lines import EntryNames

    if not KNOWN:
        derivation = gp.derive(gp.load("2-2-1"))
        figures = evaluate(derivation.chain.system, derivation.network.values,
                           [step.equation for step in derivation.chain.inlined.values()])
        KNOWN.append(EntryNames(derivation.writer, figures))
    compare([case], KNOWN[0])


KNOWN = []
KINDS = {
    "equations": (drawn_equations, try_equations), "second": (drawn_second, try_second),
    "specs": (drawn_specs, try_specs), "models": (drawn_models, try_models),
    "documents": (drawn_documents, try_documents), "claims": (drawn_claims, try_claims),
}
REFUSED = (ValueError, NotImplementedError)
FOREIGN = re.compile("|".join((
    r"tuple\.index", r"min\(\) ", r"max\(\) ", r".* is not in (list|tuple)", "not enough values",
    "too many values", "invalid literal", "could not convert", "substring", "Exceeds the limit",
    "embedded null", ".*too many subscripts in einsum", ".*arg is an empty", "math domain",
    "operands could not", "axes don't match", "all the input", ".* out of bounds for axis")))
"""How messages of Python and NumPy begin, which say nothing to whoever wrote an input."""
RUN: list[str] = []
"""Programs of others that were run, as Python's audit says."""


def watch():
    """Notes what may only happen where text is run as a program."""
    events = {"os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen",
              "socket.connect", "os.startfile", "pty.spawn"}
    sys.addaudithook(lambda event, what: RUN.append(event) if event in events else None)


def fault(kind, case, folder):
    """What is wrong with how an input is taken; "" where nothing is."""
    return _fault(kind, case, folder)[0]


def _fault(kind, case, folder):
    """What is wrong with how an input is taken, and whether it was "taken" or "refused"."""
    start, outcome, before = time.process_time(), "taken", _memory()
    RUN.clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            KINDS[kind][1](case, folder)
    except REFUSED as error:
        outcome = "refused"
        foreign = isinstance(error, UnicodeError) or (
            type(error) is ValueError and FOREIGN.match(str(error)))
        if foreign or not str(error).strip():
            return f"{type(error).__name__}: {error}", outcome
    except Exception as error:
        return f"{type(error).__name__}: {error}", outcome
    spent = time.process_time() - start
    if spent > SLOW:
        return f"took {spent:.0f} s", outcome
    if _memory() > max(LARGE, before):
        return f"took {_memory() / 2**30:.1f} GB", outcome
    return f"ran a program: {RUN}" if RUN else "", outcome


def _memory():
    """The most bytes that this process has had."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(kind, seeds, folder):
    """(seed, input, what is wrong) for each input that is taken wrongly."""
    for seed in seeds:
        case = KINDS[kind][0](random.Random(f"{kind} {seed}"))
        wrong = fault(kind, case, folder)
        if wrong:
            yield seed, case, wrong


def chunk(kind, seeds):
    """How many of the inputs were taken and refused, and those that were taken wrongly."""
    watch()
    counts, found = Counter(), []

    def ring(*_):
        raise TimeoutError(f"did not end within {ENDLESS} s")

    signal.signal(signal.SIGPROF, ring)
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            case = KINDS[kind][0](random.Random(f"{kind} {seed}"))
            signal.setitimer(signal.ITIMER_PROF, ENDLESS)
            wrong, outcome = _fault(kind, case, Path(folder))
            signal.setitimer(signal.ITIMER_PROF, 0)
            counts["wrong" if wrong else outcome] += 1
            if wrong:
                found.append((seed, case, wrong))
    return counts, found


def main(count, kinds, first=0, at_once=500):
    """Runs `count` inputs over the kinds; returns how many were taken wrongly."""
    found, each, start = 0, count // len(kinds), time.time()
    with get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=4) as pool:
        for kind in kinds:
            ranges = [range(at, min(at + at_once, first + each))
                      for at in range(first, first + each, at_once)]
            counts = Counter()
            for some, wrongs in pool.imap(partial(chunk, kind), ranges):
                counts += some
                for seed, case, wrong in wrongs:
                    found += 1
                    print(f"{kind} {seed}: {wrong[:300]}\n    {json.dumps(case)[:300]}", flush=True)
                    CASES.mkdir(exist_ok=True)
                    name = re.sub(r"\W+", "-", wrong)[:40].strip("-").lower()
                    (CASES / f"{kind}-{name}.json").write_text(json.dumps(case, indent=1) + "\n")
            print(f"{kind}: {each} inputs, {counts['taken']} taken, {counts['refused']} refused, "
                  f"{counts['wrong']} wrong; {time.time() - start:.0f} s by now", flush=True)
    return found


if __name__ == "__main__":
    COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    ASKED = [sys.argv[2]] if len(sys.argv) > 2 and sys.argv[2] != "all" else list(KINDS)
    sys.exit(bool(main(COUNT, ASKED, int(sys.argv[3]) if len(sys.argv) > 3 else 0)))
