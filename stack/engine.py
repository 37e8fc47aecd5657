"""The Docker engine: the one that is there, else one that root may install and start on Debian and Ubuntu."""

import atexit
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack import process
from stack.engine_api import EngineApi
from stack.errors import EngineMissingError, StackError
from stack.ports import wait_until
from stack.process import Command

DEFAULT_HOST = "unix:///var/run/docker.sock"
PACKAGES = ("docker.io", "iptables")
START_SECONDS = 40.0
HELP = (
    "No Docker engine answers at {host}. Start one (for example `sudo apt-get install -y docker.io`, "
    "then add yourself to the group docker and sign in again), or set DOCKER_HOST to one you may use."
)


def require() -> str:
    """Return the host of a working engine; root installs and starts one that ends with this process."""
    host = configured_host()
    if is_available(host):
        return host
    install()
    if not is_available(host):
        server = process.spawn(dockerd_command(), subprocess.DEVNULL)
        atexit.register(process.stop, server)
        wait_for(host)
    return host


def configured_host() -> str:
    """The engine that the environment names, else the default socket."""
    return os.environ.get("DOCKER_HOST") or DEFAULT_HOST


def api(host: str, timeout_seconds: float = 30.0) -> EngineApi:
    """Calls to the engine at this host, with the client certificates that the environment names."""
    folder = os.environ.get("DOCKER_CERT_PATH") if os.environ.get("DOCKER_TLS_VERIFY") else None
    return EngineApi(host, Path(folder) if folder else None, timeout_seconds)


def is_available(host: str) -> bool:
    """Whether an engine answers at this host."""
    return api(host, timeout_seconds=5).ping()


def install() -> None:
    """Install the engine's packages when absent; EngineMissingError where that is not ours to do."""
    host = configured_host()
    if host != DEFAULT_HOST or os.geteuid() != 0:
        raise EngineMissingError(HELP.format(host=host))
    if shutil.which("dockerd") is None:
        if shutil.which("apt-get") is None:
            raise EngineMissingError(HELP.format(host=host))
        print(f"No Docker engine found: installing {' and '.join(PACKAGES)} from this machine's packages.")
        apt_install(*PACKAGES)
    if Path("/run/systemd/system").is_dir():
        print("Starting the machine's docker service; it keeps running when Berth stops.")
        subprocess.run(["systemctl", "start", "docker"], check=False)
        wait_until(lambda: is_available(host), START_SECONDS)


def apt_install(*packages: str) -> None:
    """Install Debian packages without their recommendations; StackError with apt's last word on failure."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-q", "-y", "--no-install-recommends"]
    for step in (["update", "-q"], ["install", *options, *packages]):
        result = subprocess.run(
            ["apt-get", *step], env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            reason = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            raise StackError(f"apt-get {step[0]} failed: {' '.join(reason)}")


def dockerd_command() -> Command:
    """The engine as a child process: its containers stop with it, and it stops with Berth."""
    argv = ("dockerd", "--host", DEFAULT_HOST, "--live-restore=false", "--log-level", "error")
    return Command(argv, Path("/"))


def wait_for(host: str) -> None:
    """Return when the engine answers; StackError when it does not in time."""
    if not wait_until(lambda: is_available(host), START_SECONDS, pause=0.2):
        raise StackError(f"the Docker engine did not answer within {START_SECONDS:.0f} s of its start")


def main() -> int:
    """Install the engine's packages, as a child of the supervisor: `python -m stack.engine`."""
    try:
        install()
    except StackError as error:
        print(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
