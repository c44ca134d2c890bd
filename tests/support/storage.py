"""What stands in the place of S3: moto's server, in an environment of its own, on the loopback."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from support.programs import install, succeed

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

MOTO = "moto[server,s3]==5.2.5"

SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""

CLIENT = """
import boto3, pathlib, sys
url, bucket, *folder = sys.argv[1:]
s3 = boto3.client(
    "s3", endpoint_url=url, aws_access_key_id="canary", aws_secret_access_key="canary", region_name="us-east-1"
)
"""

CREATE = f"{CLIENT}s3.create_bucket(Bucket=bucket)"

FETCH = f"""{CLIENT}
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
    for each in page.get("Contents", ()):
        path = pathlib.Path(*folder, each["Key"])
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, each["Key"], str(path))
"""


class Storage:
    """A server that lives as long as the block it is entered with.

    Args:
        folder: for its environment.
        python: the Python of that.

    Attributes:
        url: its address.
    """

    def __init__(self, folder: Path, *, python: str) -> None:
        self._python = install(folder, MOTO, python=python) / "python"
        self._buckets = 0
        self.url = ""

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [self._python, "-c", SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._server.stdout.readline())}"
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.communicate()  # closes its input, which ends it

    def new_bucket(self) -> str:
        """Make an empty bucket; its name."""
        self._buckets += 1
        bucket = f"flipkart-{self._buckets}"
        succeed([self._python, "-c", CREATE, self.url, bucket])
        return bucket

    def fetch(self, bucket: str, folder: Path) -> None:
        """Copy the objects of a bucket into a folder, each to the path that its key names."""
        succeed([self._python, "-c", FETCH, self.url, bucket, folder])
