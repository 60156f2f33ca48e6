"""A job that starts a local Ray can be reached only from this machine."""

import json
import subprocess
import sys
from urllib.parse import urlsplit

from tests.jobs.conftest import REPOSITORY

LISTENING = """
import json
from contextlib import suppress
import psutil
from ray._private.worker import get_dashboard_url
from pad_ray.stages.command_line import start_ray

start_ray()
listening = []
for process in psutil.Process().children(recursive=True):
    with suppress(psutil.NoSuchProcess):
        listening += [one.laddr for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
print(json.dumps([get_dashboard_url(), listening]))
"""


def test_dashboard_and_job_server_listen_only_on_loopback():
    done = subprocess.run([sys.executable, "-c", LISTENING], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    url, listening = json.loads(done.stdout.splitlines()[-1])
    port = urlsplit(f"//{url}").port
    assert {address for address, number in listening if number == port} == {"127.0.0.1"}
