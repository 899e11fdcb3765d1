"""The programs under test, each in a process of its own so that its costs are its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parents[1]
READY_S = 60.0
STOP_S = 20.0
TICKS = os.sysconf("SC_CLK_TCK")
NAMES = {"weir": "Weir", "streams": "Kafka Streams", "python": "Python"}


@dataclass(frozen=True)
class Tools:
    """Where the programs are."""

    weir: Path
    jars: str
    """Class path of the Kafka Streams job."""
    policies: Path
    settings: Path
    model: Path
    scratch: Path
    java_options: list[str] = field(
        default_factory=lambda: [
            "-Xms512m",
            "-Xmx512m",
            "-XX:+UseParallelGC",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        ]
    )


@dataclass(frozen=True)
class Task:
    """What a program is to do."""

    brokers: str
    group: str
    prompts: str
    chunks: str
    verdicts: str
    others: list[str]
    """Three topics more, which only Weir writes: checkpoints, flagged texts, dead letters."""
    kind: str = "judge"
    """judge, rules (without the model) or echo."""
    hold_back: int = 0


def command(tools: Tools, name: str, task: Task) -> list[str]:
    """The command line."""
    if name == "weir":
        return [str(tools.weir), *_weir(tools, task)]
    options = {
        "--brokers": task.brokers,
        "--group": task.group,
        "--verdicts": task.verdicts,
        "--settings": str(tools.settings),
    }
    if task.prompts:
        options["--prompts"] = task.prompts
    if task.chunks:
        options["--chunks"] = task.chunks
        options["--hold-back"] = str(task.hold_back)
    if task.kind == "judge":
        options["--model"] = str(tools.model)
    words = [word for pair in options.items() for word in pair]
    if name == "python":
        echo = ["--echo"] if task.kind == "echo" else []
        return [sys.executable, "-m", "python_job.job", *words, *echo]
    words += ["--schemas", str(ROOT / "schemas"), "--state", str(tools.scratch / "state")]
    if task.kind == "echo":
        words += ["--echo", "true"]
    return ["java", *tools.java_options, "-cp", tools.jars, "weir.peers.Job", *words]


def _weir(tools: Tools, task: Task) -> list[str]:
    if task.kind == "echo":
        words = ["bench", "echo", "--brokers", task.brokers, "--group", task.group]
        return [*words, "--from", task.prompts, "--to", task.verdicts, "--sending", "auto"]
    checkpoints, flagged, dead_letters = task.others
    options = {
        "--brokers": task.brokers,
        "--group": task.group,
        "--policies": str(tools.policies),
        "--model": str(tools.model),
        "--prompts-topic": task.prompts,
        "--chunks-topic": task.chunks,
        "--verdicts-topic": task.verdicts,
        "--checkpoints-topic": checkpoints,
        "--flagged-topic": flagged,
        "--dead-letters-topic": dead_letters,
        "--admin": "127.0.0.1:0",
        # A backlog is what is measured: nothing in it may go without the model.
        "--shed-above": "100000000",
    }
    rules = ["--rules-only"] if task.kind == "rules" else []
    return ["gate", *[word for pair in options.items() for word in pair], *rules]


class Subject:
    """A running program; leaving the context stops it."""

    def __init__(self, tools: Tools, name: str, task: Task) -> None:
        self.name = name
        words = command(tools, name, task)
        self._log = tools.scratch / f"{task.group}-{name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=log, cwd=HERE, text=True
            )
        self._ready = threading.Event()
        self._admin = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        """Reads what the program says, to its end, so that it never waits for a reader."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("admin"):
                self._admin = line.split()[1]
            if line.startswith(("ready", "admin")):
                self._ready.set()

    def __enter__(self) -> Subject:
        try:
            if not self._ready.wait(READY_S):
                raise RuntimeError(f"{NAMES[self.name]} was not ready: see {self._log}")
            if self._admin:
                self._wait_for_admin()
        except BaseException:
            self.stop()
            raise
        return self

    def _wait_for_admin(self) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self._admin}/ready", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"Weir was not ready: see {self._log}")

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Asks it to stop, then makes it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raises when the program has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"{NAMES[self.name]} has ended: see {self._log}")

    def cpu_s(self) -> float:
        """Processor time used so far by all its threads, in seconds."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        # The second field is the name in parentheses and may hold spaces.
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss_mib(self) -> float:
        """Resident memory."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("VmRSS is not in /proc/<pid>/status")
