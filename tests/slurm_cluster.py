"""A real SLURM of two nodes on this machine, in one folder and on separate ports."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

FIELDS = ("JobID", "State", "Comment", "TimeLimit", "MinMemory", "Partition", "tres-per-job", "NodeList")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
NODES = ("node1", "node2")
# the plugin takes SLURM_CONF away from the jobs' own calls of SLURM, which then look here
SYSTEM_CONFIGURATION = Path("/etc/slurm/slurm.conf")
# arguments of Snakemake, and how `Project` starts it
ON_SLURM = (
    "--workflow-profile",
    "workflow/profiles/slurm",
    "--slurm-status-command",  # there is no slurmdbd
    "squeue",
)
SNAKEMAKE = {"program": str(Path(__file__).with_name("slurm_snakemake.py")), "cores": 4}

# Memory is declared, not there: jobs ask for what the rules say and use far less. Without cgroups, SLURM
# measures it every second. cred_expire is also how long a job waits that was put back into the queue. A job
# goes to the node that has least to do, and a job of the partition "urgent" takes the place of others.
CONFIGURATION = """
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
KillWait=2
MinJobAge=86400
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1,sched_min_interval=100000
AccountingStorageType=accounting_storage/none
NodeName={nodes[0]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} {node}
NodeName={nodes[1]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} {node}
PartitionName=cpu Nodes=ALL Default=YES
PartitionName=gpu Nodes=ALL
PartitionName=urgent Nodes=ALL PriorityTier=10
"""
GPUS_PER_NODE = 2
NODE = "CPUs=4 Sockets=1 CoresPerSocket=4 RealMemory=64000 Gres=gpu:2"
FAKE_GPUS = "NodeName={nodes} Name=gpu Count=2 File=/dev/null,/dev/zero\n"


def reason_against() -> str | None:
    """Why no cluster can run here; None if one can."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"no {', '.join(missing)} here: install slurmctld, slurmd, slurm-client and munge"
    if os.geteuid() != 0:
        return "SLURM's daemons of the tests run as root alone"
    clear_away_killed_tests()
    if SYSTEM_CONFIGURATION.exists():
        return f"{SYSTEM_CONFIGURATION} is there: this machine belongs to another cluster"
    return None


def clear_away_killed_tests() -> None:
    """Stop the cluster of a test session that was killed before it could do so itself."""
    if SYSTEM_CONFIGURATION.exists():
        session = re.search(r"^ClusterName=tests-(\d+)$", SYSTEM_CONFIGURATION.read_text(), re.MULTILINE)
        if session and not psutil.pid_exists(int(session[1])):
            with suppress(subprocess.CalledProcessError):  # its daemons may be gone too
                Cluster(SYSTEM_CONFIGURATION.resolve().parent, pid=int(session[1])).stop()


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 300) -> None:
    """Ask until a condition holds: SLURM tells of no change. Nothing else here waits."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.2)


@dataclass(frozen=True)
class QueuedJob:
    """A job as squeue shows it; `comment` has Snakemake's rule and wildcards, `minutes` is its time limit."""

    number: str
    state: str
    comment: str
    minutes: str
    memory: str
    partition: str
    gpus: str
    node: str


class Cluster:
    """munged, slurmctld and two slurmd."""

    def __init__(self, folder: Path, *, pid: int | None = None) -> None:
        self.folder = folder
        self.name = f"tests-{pid or os.getpid()}"  # in the environment of every job
        self.configuration = folder / "slurm.conf"
        # the daemons look for gres.conf beside it
        self.environment = os.environ | {"SLURM_CONF": str(self.configuration)}

    def start(self) -> None:
        """Write the configuration, start the daemons and wait for idle nodes."""
        host, ports = socket.gethostname().split(".")[0], free_ports(3)
        values = {"name": self.name, "host": host, "folder": self.folder, "ports": ports}
        self.configuration.write_text(CONFIGURATION.format(nodes=NODES, node=NODE, **values))
        (self.folder / "gres.conf").write_text(FAKE_GPUS.format(nodes=",".join(NODES)))
        (self.folder / "cgroup.conf").touch()
        SYSTEM_CONFIGURATION.parent.mkdir(exist_ok=True)
        SYSTEM_CONFIGURATION.unlink(missing_ok=True)  # a link to nowhere, of tests that were killed
        SYSTEM_CONFIGURATION.symlink_to(self.configuration)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        names = {
            "socket": "socket",
            "key-file": "key",
            "pid-file": "pid",
            "log-file": "log",
            "seed-file": "seed",
        }
        self.command(
            "munged", "--force", *(f"--{option}={self.folder}/munge.{name}" for option, name in names.items())
        )
        self.command("slurmctld")
        wait_until(lambda: "is UP" in self.command("scontrol", "ping", check=False), "slurmctld answers")
        for node in NODES:
            self.command("slurmd", "-N", node)
        self._wait_for_nodes()

    def stop(self) -> None:
        """End all jobs, then the daemons, the last one started first, then what is left of jobs."""
        with ExitStack() as stack:
            stack.callback(self._end_processes)
            stack.callback(SYSTEM_CONFIGURATION.unlink, missing_ok=True)
            for name in ("munge", "slurmctld", *NODES):
                stack.callback(self._end, self.folder / f"{name}.pid")
            self.command("scancel", "--user", "root")
            wait_until(lambda: not self.command("squeue", "-h"), "an empty queue", seconds=30)

    def lose(self, node: str) -> None:
        """Take a node out of SLURM's reach; what runs on it goes on, until the power goes off."""
        self._end(self.folder / f"{node}.pid", signal.SIGKILL)
        self.command("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")

    def power_off(self, node: str) -> None:
        """End all that runs on a lost node."""
        self._end_processes(node)

    def bring_back(self, node: str) -> None:
        """Let SLURM reach a node again."""
        self.command("slurmd", "-N", node)
        self._wait_for_nodes()

    def preempt(self, job: "QueuedJob") -> None:
        """Let a job of more importance take a job's place for a moment."""
        gpus = f"--gpus={GPUS_PER_NODE}"
        options = ("-p", "urgent", "-N1", "-w", job.node, gpus, "--mem=1", "-o", "/dev/null")
        self.command("sbatch", *options, "--wrap", "true")

    def command(self, *arguments: str, check: bool = True) -> str:
        """Output of one of SLURM's programs."""
        # into a file: daemons inherit it, and the end of a pipe would never come
        with (self.folder / "output").open("w+") as output:
            subprocess.run(
                arguments, env=self.environment, stdout=output, stderr=subprocess.STDOUT, check=check
            )
            output.seek(0)
            return output.read()

    def jobs(self, comment: str = "") -> list[QueuedJob]:
        """Jobs with a comment or all, the first one first, finished ones as well."""
        table = self.command(
            "squeue", "-h", "-t", "all", "-S", "i", "-O", ",".join(f"{one}:99|" for one in FIELDS)
        )
        jobs = [QueuedJob(*(cell.strip() for cell in line.split("|")[:-1])) for line in table.splitlines()]
        return [job for job in jobs if comment in ("", job.comment)]

    def processes(self, node: str | None = None) -> list[psutil.Process]:
        """What jobs started, and SLURM to watch over them, on one node or on both."""
        nodes = NODES if node is None else (node,)
        logs = {str(self.folder / f"{name}.log") for name in nodes}
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.name() == "slurmstepd":  # its environment cannot be read
                    ours = not logs.isdisjoint(file.path for file in process.open_files())
                else:
                    environment = process.environ()
                    ours = environment.get("SLURM_CLUSTER_NAME") == self.name
                    ours = ours and environment.get("SLURMD_NODENAME") in nodes
                if ours:
                    found.append(process)
        return found

    def _end_processes(self, node: str | None = None) -> None:
        processes = self.processes(node)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes)

    def _wait_for_nodes(self) -> None:
        def there() -> bool:
            states = self.command("sinfo", "-hN", "-p", "cpu", "-o", "%T").split()
            return len(states) == len(NODES) and set(states) <= {"idle", "mixed", "allocated"}

        wait_until(there, "nodes that take jobs")

    def _end(self, pid_file: Path, how: signal.Signals = signal.SIGTERM) -> None:
        if pid_file.exists():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(pid_file.read_text()))
                process.send_signal(how)
                process.wait(60)
            pid_file.unlink(missing_ok=True)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
