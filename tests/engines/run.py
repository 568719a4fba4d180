"""The second half of tests/run: once the machine has what is needed, runs tests or a command against engines.

Every engine gets the same treatment: start (or reuse), run, look for what was left behind, stop. The way out
is the same after success, failure, Ctrl-C and SIGTERM.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing but sources in the checkout
HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "hub")]

import catalogue  # noqa: E402  (found through the line above)
import debian  # noqa: E402
from instance import Failure, Instance  # noqa: E402

DEFAULT_ENGINES = "docker-20.10 docker-newest"
# How long the library's reaper may take, after the last test has ended, to remove what tests left to it.
LEFTOVER_SECONDS = 15

USAGE = """tests/run [options]                 cargo test --workspace --all-features, once for each engine
       tests/run [options] -- ARGUMENTS    the same, ARGUMENTS given to `cargo test`
       tests/run [options] COMMAND...      COMMAND against the first engine"""


def descendants(ancestor):
    """The processes that `ancestor` started, and those that they started."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            # The second field is a name in parentheses that may hold anything.
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(") ")[2].split()
            parents[int(name)] = int(fields[1])
    found, todo = [], [ancestor]
    while todo:
        children = [pid for pid, parent in parents.items() if parent == todo[-1]]
        todo.pop()
        found += children
        todo += children
    return found


class Interrupted(Exception):
    """SIGINT or SIGTERM arrived."""


class Runner:
    """The current child, so that a signal can be passed on to it."""

    def __init__(self):
        self.child = None
        self.signal = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.interrupt)

    def interrupt(self, number, _frame):
        if self.signal is not None:
            return  # once is enough; stopping the engine must not be interrupted
        self.signal = number
        if self.child is None:
            raise Interrupted
        # A terminal's Ctrl-C reaches all of them anyway; any other signal reaches us alone, and a cargo that
        # is ended leaves its test program running.
        for pid in [self.child.pid, *descendants(self.child.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def run(self, command, **options):
        """Runs `command` to its end and returns its exit code, as a shell would give it."""
        if self.signal is not None:
            raise Interrupted
        try:
            self.child = subprocess.Popen(command, **options)
        except FileNotFoundError:
            raise Failure(f"no program `{command[0]}` on this machine") from None
        code = self.child.wait()
        self.child = None
        if self.signal is not None:
            raise Interrupted
        return code if code >= 0 else 128 - code


def main():
    options = parse(sys.argv[1:])
    if options.stop:
        for name in catalogue.ENGINES:
            Instance(name).stop()
        return 0
    runner = Runner()
    try:
        return run_command(runner, options) if options.command else run_tests(runner, options)
    except Interrupted:
        return 128 + runner.signal


def run_tests(runner, options):
    os.chdir(CHECKOUT)
    tests = ["cargo", "test", "--workspace", "--all-features"]
    # All suites are run, also when one of them has failed.
    test = [*tests, "--no-fail-fast", *options.arguments]
    # Inside an engine's namespace there is no network, so everything is fetched and built before.
    build = [*tests, "--no-run", *options.arguments]
    if code := runner.run(build):
        return code
    results = {}
    for name in options.engines:
        heading(f"{name}: {' '.join(test)}")
        try:
            results[name] = on_engine(runner, name, options.keep, test)
        except (Failure, debian.PackageError) as failure:  # the other engines can still be tried
            print(f"tests/run: {failure}", file=sys.stderr, flush=True)
            results[name] = 1
    heading("results")
    for name, code in results.items():
        print(f"{name}: {'ok' if code == 0 else 'FAILED'}", flush=True)
    return max(results.values())


def run_command(runner, options):
    if options.command[0] == "cargo":
        if code := runner.run(["cargo", "fetch"]):
            return code
    return on_engine(runner, options.engines[0], options.keep, options.command)


def on_engine(runner, name, keep, arguments):
    """Runs one command against one engine; non-zero if it failed or left something behind."""
    instance = Instance(name)
    with instance.used():
        if keep:
            instance.keep()
        before = instance.holdings()
        command, environment = instance.command(arguments)
        code = runner.run(command, env=environment)
        left = leftovers(instance, before)
        for one in left:
            print(f"tests/run: left behind on {name}: {one}", file=sys.stderr, flush=True)
        return code or (1 if left else 0)


def leftovers(instance, before):
    if not instance.answers():
        return [f"an engine that no longer answers, see {instance.state}/engine.log"]
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while left := sorted(instance.holdings() - before):
        if time.monotonic() > deadline:
            break
        time.sleep(0.25)
    return left


def heading(text):
    print(f"\n==== {text} ====", flush=True)


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tests/run", usage=USAGE, allow_abbrev=False)
    parser.add_argument("--engine", action="append", dest="engines", metavar="NAME", choices=catalogue.ENGINES,
                        help="instead of those in LONGSHORE_TEST_ENGINES (%(choices)s); may be repeated")
    parser.add_argument("--keep", action="store_true", help="leave the engine running: the next call starts at once")
    parser.add_argument("--stop", action="store_true", help="stop all engines of this checkout, and do nothing else")
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.arguments = []
    if options.command[:1] == ["--"]:
        options.arguments, options.command = options.command[1:], []
    if not options.engines:
        options.engines = (os.environ.get("LONGSHORE_TEST_ENGINES") or DEFAULT_ENGINES).split()
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, debian.PackageError) as failure:
        sys.exit(f"tests/run: {failure}")
