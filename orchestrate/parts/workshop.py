"""What is installed for the show: Airflow, Meltano, the Meltano project with this checkout's tap."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from processes import run
from support.programs import UV

ORCHESTRATE = Path(__file__).parent.parent
SECONDS_TO_INSTALL = 600


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """The environments of Airflow and Meltano, and the Meltano project.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    @property
    def project(self) -> Path:
        """The Meltano project."""
        return self.folder / "project"

    @property
    def path(self) -> Path:
        """A folder for the PATH, with `meltano` alone, as in the image."""
        return self.folder / "path"

    def program(self, environment: str, name: str) -> str:
        """An installed command."""
        return str(self.folder / environment / "bin" / name)

    def set_up(self) -> None:
        """Install what is not there yet, and this checkout anew."""
        self.project.mkdir(parents=True, exist_ok=True)
        log = self.folder / "set-up.log"

        def step(*command: str | Path, cwd: Path | None = None, **variables: str) -> None:
            run(command, env=os.environ | variables, log=log, seconds=SECONDS_TO_INSTALL, cwd=cwd)

        for environment, requirements in (("airflow", "requirements-show.txt"), ("meltano", "requirements.txt")):
            if not (self.folder / environment).exists():
                step(*UV, "venv", "--python", sys.executable, str(self.folder / environment))
            python = self.program(environment, "python")
            step(*UV, "pip", "install", "--python", python, "--requirement", str(ORCHESTRATE / requirements))
        wheels = self.folder / "wheels"
        shutil.rmtree(wheels, ignore_errors=True)
        step(*UV, "build", "--wheel", "--out-dir", str(wheels), str(ORCHESTRATE.parent))
        (wheel,) = wheels.glob("*.whl")
        # By its path: a package of the same name on an index is somebody else's.
        definition = (ORCHESTRATE / "meltano.yml").read_text(encoding="utf-8")
        pip_url = "pip_url: tap-flipkart-reports[postgres,tokens]"
        (self.project / "meltano.yml").write_text(
            definition.replace(pip_url, f"{pip_url} @ {wheel.as_uri()}"), encoding="utf-8"
        )
        self.path.mkdir(exist_ok=True)
        if not (self.path / "meltano").exists():
            (self.path / "meltano").symlink_to(self.program("meltano", "meltano"))
        # uv's cache knows a wheel by its version, and this checkout's is always the same.
        variables = {"UV_NO_CACHE": "1"}
        step(self.program("meltano", "meltano"), "install", "--force", "--clean", cwd=self.project, **variables)
