# The commands of this repository. `uv run just` lists them; `uv run just NAME` runs one.

set positional-arguments

# The tests start hundreds of processes: without files of bytecode each would compile all that it loads.
export PYTHONDONTWRITEBYTECODE := ""

# What a fresh checkout needs.
[private]
default:
    @just --list --unsorted

# an environment with everything, and the pre-commit hooks
setup:
    uv sync
    uv run pre-commit install

# lint, format, spelling, types, security, import contracts
check:
    uv run ruff check .
    uv run ruff format --check .
    uv run typos
    uv run mypy
    uv run bandit --quiet --recursive --configfile pyproject.toml tap_flipkart_reports
    uv run lint-imports

# the tests that are not marked integration; arguments go to pytest
test *arguments:
    uv run pytest -q -n 2 -m "not integration" "$@"

# every test of the suite: four targets, Meltano, PostgreSQL, a browser, shells, packaging
test-all *arguments:
    uv run pytest -q -n 2 "$@"

# a recording of two days into each of the targets of docs/targets.md
targets *arguments:
    uv run pytest -q -n 2 --dist=load -m targets tests/test_trials.py "$@"

# fifty times the examples of the tests that state properties, and other ones each time
search *arguments:
    HYPOTHESIS_PROFILE=search uv run pytest -q -n 2 -m "hypothesis and not integration" "$@"

# what is made from the code: parts of documents and of Meltano's definitions, the staging models
made:
    uv run --directory tests python -m support.readme_tables
    uv run --directory tests python -m support.staging_models

# the made parts, and the documents as a site in `site/`, without network
docs: made
    uv run mkdocs build --strict --quiet

# the newest versions that fit each other, as the pins of pyproject.toml
pins:
    uv run --directory tests python -m support.pins

# the tests around the SDK's inner workings, on its newest release, betas included
sdk-next *arguments:
    uv run --isolated --prerelease allow --with 'singer-sdk[testing]>0.54.9' pytest -q tests/test_sdk_symbols.py tests/test_row_path.py tests/test_core.py tests/test_sync.py "$@"
