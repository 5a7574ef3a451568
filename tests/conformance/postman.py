"""Postman collections from a folder, by newman, against what `cargo run --example up -- run` has brought up.

What fails must be listed in `postman-allowed.txt` with its reason, and what is listed there must fail.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from provider import Provider, provide

HERE = Path(__file__).parent
NEWMAN = HERE / "newman/node_modules/.bin/newman"
ALLOWED = HERE / "postman-allowed.txt"

# Where requests go, as the collections themselves spell it.
BASE = "{{Protocol}}://{{Server}}{{Port}}/{{Api}}"
OTHER_SPELLINGS = ["https://{{endpoint}}/scim", "https://{{Server}}{{Port}}/{{Api}}"]


def main(folder: Path) -> int:
    collections = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    collections = [content for content in collections if "_postman_id" in content.get("info", {})]
    if not collections:
        print(f"no Postman collection in {folder}")
        return 1
    failed = Counter[str]()
    for number, content in enumerate(collections):
        # Their sample server answers a PATCH by 204, which this one does where it is told to.
        provider = provide(f"postman-{number}", patchResponse="NoContent")
        name = content["info"]["name"]
        assertions, failures = play(content, provider)
        print(f"{name}: {assertions} assertions, {assertions - len(failures)} hold", flush=True)
        failed.update(f"{name} / {failure}" for failure in failures)
    allowed = allowances()
    wrong = [f"failed: {failure}" for failure in (failed - allowed).elements()]
    wrong += [f"holds, so take it out of {ALLOWED.name}: {line}" for line in (allowed - failed).elements()]
    print(*wrong or [f"the {allowed.total()} that do not are in {ALLOWED.name}"], sep="\n")
    return 1 if wrong else 0


def allowances() -> Counter[str]:
    """One on each line, its reasons on the lines that begin with # above it."""
    lines = [line.strip() for line in ALLOWED.read_text().splitlines()]
    return Counter(line for line in lines if line and not line.startswith("#"))


def play(content: dict, provider: Provider) -> tuple[int, list[str]]:
    """How many assertions there are, and which of them failed, each behind its request."""
    content = content | {"item": addressed(content["item"])}
    url = urlsplit(provider.url)
    variables = {
        "Protocol": url.scheme,
        "Server": url.hostname,
        "Port": f":{url.port}",
        "Api": url.path.strip("/"),
        "token": provider.token,
    }
    with tempfile.TemporaryDirectory() as folder:
        collection, data, report = (Path(folder, f"{name}.json") for name in ["collection", "data", "report"])
        collection.write_text(json.dumps(content))
        # Of all scopes this one cannot be overwritten by a script: one puts its answer in the token's place.
        data.write_text(json.dumps([variables]))
        command = [NEWMAN, "run", collection, "--iteration-data", data, "--timeout-request", "10000"]
        command += ["--reporters", "json", "--reporter-json-export", report]
        done = subprocess.run(command, capture_output=True, text=True)
        if not report.exists():
            raise RuntimeError(done.stdout + done.stderr)
        run = json.loads(report.read_text())["run"]
    failures = [f"{failure['source']['name']} / {complaint(failure['error'])}" for failure in run["failures"]]
    return run["stats"]["assertions"]["total"], failures


def complaint(error: dict) -> str:
    """The assertion; where there is none, what went wrong instead."""
    return error.get("test") or f"{error['name']}: {error['message']}"


def addressed(items: list[dict]) -> list[dict]:
    """The items with their requests sent here, and without those that would go anywhere else."""
    kept = []
    for item in items:
        if "item" in item:
            kept.append(item | {"item": addressed(item["item"])})
            continue
        url = item["request"]["url"]["raw"]
        for other in OTHER_SPELLINGS:
            url = url.replace(other, BASE)
        if url.startswith(BASE):
            bearer = {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]}
            kept.append(item | {"request": item["request"] | {"url": url, "auth": bearer}})
        else:
            print(f"left out, for it goes elsewhere: {item['name']} ({url})")
    return kept


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
