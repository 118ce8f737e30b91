# One noun per target. `make` alone lists them. Nothing needs to be activated.

SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
STUDENTS ?= 12
SEED ?= 1
PORT ?= 8000

# nbgrader looks for the program `alembic` on PATH.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

ENVIRONMENT := .venv/installed
PACKAGE := $(shell find normlib -name '*.py' -o -name '*.md')
# Of these, what pages show: of the grader, no more than the modules that they import.
SHOWN := $(filter-out normlib/grade/%,$(PACKAGE)) $(shell grep -rhoE --include='*.md' \
  '^from normlib\.grade[.a-z_]*' book | sort -u | sed 's/^from //; s|[.]|/|g; s/$$/.py/')
PAGES := _config.yml _toc.yml $(wildcard book/* book/instructors/* book/static/* solutions/*/*.ipynb \
  book/playground/* book/playground/page/* book/playground/in_the_page/*.py book/static/playground/*)
SOURCES := $(wildcard solutions/*/*.ipynb)
TESTS := $(shell find tests -name '*.py')
# Test processes share the cores: threads of their own would only wait for each other.
# There is one more of them than there are cores, up to four: some wait for programs.
ALONE := OMP_NUM_THREADS=1
PROCESSES := $$(python -c 'import os; print(min(os.cpu_count() + 1, 4))')

.PHONY: help course book pdf exercises grade lab serve test quick lint strength mutants sandboxes samples class image bench lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

course: book grade  ## the whole course: a book, notebooks and a graded class
	@echo
	@echo "Read:   $(CURDIR)/_build/html/index.html"
	@echo "Solve:  make lab"
	@echo "Grade:  $$(find $(CURDIR)/_build/feedback -name '*.html' | sort | head -1)  (one student's feedback)"

book: _build/html/index.html  ## the built book, _build/html/index.html

pdf: _build/normalization-by-hand.pdf  ## the book to print, in one file

exercises: $(ENVIRONMENT)  ## exercises/ from solutions/, and what reports quote from book/
	@python -m normlib.grade.bridge.release
	@python book/section_titles.py

grade: $(ENVIRONMENT) | _build/submitted  ## the points of the class in _build/submitted
	@normlib grade

lab: $(ENVIRONMENT)  ## JupyterLab, opened on the exercises; the book beside it
	@normlib lab --port $(PORT)

serve: book  ## the built book at http://localhost:8000
	@python -m http.server --bind localhost --directory _build/html $(PORT)

test: _build/tests-passed  ## every test, after the book; about 18 minutes on two cores

quick: $(ENVIRONMENT)  ## tests without browser, book or whole classes; about 2 minutes
	@$(ALONE) python -m pytest --quiet --numprocesses $(PROCESSES) --dist loadgroup -m "not slow"

lint: $(ENVIRONMENT)  ## style of code and notebooks, types of normlib
	@ruff check --quiet
	@ruff format --quiet --check || { ruff format --diff; exit 1; }
	@mypy --no-error-summary

strength: $(ENVIRONMENT)  ## the checks' proof of strength with 200 seeds; an hour
	@SEEDS=200 $(ALONE) python -m pytest --quiet --numprocesses auto --dist loadgroup tests/check/test_strength.py

mutants: $(ENVIRONMENT)  ## wrong answers made by machine, exercise by exercise
	@python -W ignore -m tests.check.mutants

sandboxes: $(ENVIRONMENT)  ## each defense of the sandbox taken away, and whether it is noticed
	@nice python -W ignore -m tests.grade.sandbox.mutants

samples: book  ## what the tests sample, tried whole: the page's verdicts, kills between writes
	@WHOLE=1 python -m pytest --quiet tests/playground/test_verdicts.py \
	  tests/grade/test_interruptions.py -k 'same_verdict or any_two_writes'

class: $(ENVIRONMENT)  ## the points of a class of 500 beside what was planted; an hour
	@STUDENTS=500 python -m pytest --quiet tests/grade/test_classroom.py -k deserves

image: $(ENVIRONMENT)  ## the Containerfile's steps in a fresh Debian, and a class graded there
	@python -W ignore -m tests.image

bench: $(ENVIRONMENT)  ## speed, memory and accuracy beside torch and the textbook
	@python benchmarks/checks.py
	@python benchmarks/normalizers.py
	@python benchmarks/grading.py
	@python benchmarks/limits.py
	@python benchmarks/page.py
	@python benchmarks/book.py

lock: $(ENVIRONMENT)  ## requirements.txt renewed, for every platform
	@uv pip compile --quiet --universal --upgrade --all-extras --no-header \
	  --python-version 3.11 --output-file requirements.txt pyproject.toml

clean:  ## removes what was built; a real class's submissions and points stay
	@if [ -d _build/submitted ] && [ ! -e _build/submitted/planted.json ]; then \
	  find _build -mindepth 1 -maxdepth 1 ! -name submitted ! -name downloaded ! -name autograded \
	    ! -name feedback ! -name class ! -name 'gradebook.db*' ! -name secret ! -name grades.csv -exec rm -rf {} +; \
	else rm -rf _build; fi
	@rm -rf .pytest_cache .ruff_cache .hypothesis .coverage

$(ENVIRONMENT): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; try PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "Installing the pinned packages into .venv (once; some minutes)"
	@[ -x .venv/bin/python ] || $(PYTHON) -m venv .venv
	@total=$$(grep -c '^[a-z]' requirements.txt); \
	  pip install --disable-pip-version-check --progress-bar off -r requirements.txt \
	  | awk -v total="$$total" '/^(Collecting|Processing|Requirement|Ignoring) / \
	      {printf "\r  %d of %d packages", ++n, total; fflush()} \
	    /^Installing collected/ {printf "\n  unpacking\n"; fflush()}'
	@pip install --disable-pip-version-check --quiet --no-deps --editable .
	@touch $@

# Sphinx reads a page again only when its own text has changed: new code, new reading.
# (Which pages are executed again is up to book/execute.py.)
_build/.doctrees/code: $(SHOWN) $(wildcard book/*.py book/playground/__init__.py)
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@touch $@

_build/html/index.html: $(ENVIRONMENT) $(PAGES) _build/.doctrees/code
	@python book/build.py
	@touch $@

_build/normalization-by-hand.pdf: _build/html/index.html $(wildcard book/printable/*)
	@python book/printable
	@echo "$(CURDIR)/$@"

_build/submitted: | $(ENVIRONMENT)
	@normlib sample-class --students $(STUDENTS) --seed $(SEED) --output $@

_build/tests-passed: _build/html/index.html $(PACKAGE) $(SOURCES) $(TESTS) Makefile README.md nbgrader_config.py
	@$(ALONE) python -m pytest --quiet --numprocesses $(PROCESSES) --dist loadgroup
	@touch $@
