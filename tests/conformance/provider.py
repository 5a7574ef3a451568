"""A provider of its own for each run of a suite: an empty directory behind a URL and a token."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

DEADLINE_SECONDS = 30


@dataclass
class Provider:
    """What a client needs to know of it."""

    url: str
    token: str

    def answers(self) -> bool:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{self.url}/Users", headers=headers)):
                return True
        except urllib.error.HTTPError:
            return False


def provide(name: str, **spec: object) -> Provider:
    """Makes a ScimProvider and a token for it, and returns when it is served."""
    manifest = {
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimProvider",
        "metadata": {"name": name},
        "spec": spec,
    }
    run("kubectl", "apply", "--filename=-", stdin=json.dumps(manifest))
    base, _, _ = os.environ["SCIM_BASE_URL"].rpartition("/")
    provider = Provider(f"{base}/{name}", run("scim-operator", "token", "create", name).strip())
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not provider.answers():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{provider.url} is not served after {DEADLINE_SECONDS} s")
        time.sleep(0.1)
    return provider


def run(*command: str, stdin: str | None = None) -> str:
    """What a command prints; what it complains about is shown where it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout
