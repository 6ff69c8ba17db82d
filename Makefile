# The two commands of a newcomer are `make run` and `make test`; the rest is for those who change the code.

.PHONY: run test check bench openapi schema clean
.DEFAULT_GOAL := run

## Start everything and serve: Postgres in .data/ (or DATABASE_URL), the demo city, the API on PORT (8080).
run:
	@scripts/run

## All tests, against a private Postgres that is thrown away.
test:
	@scripts/test

## What CI checks beside the tests: format, lints, and the contract (its parts alone: scripts/contract PART).
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo clippy --package api --features otel --quiet -- -D warnings
	@scripts/contract

## How fast it is, beside the least that could do the same work: ratios, in one run of about an hour, most of which the city of ten
## times the size takes. `scripts/bench --scale 1` leaves that out; `scripts/bench --only ROWS` measures some rows.
bench:
	@scripts/bench

## Write the generated document again, after a change of the API.
openapi:
	cargo run --quiet --bin linli -- openapi > openapi/openapi.json
	cargo run --quiet --bin linli -- openapi --operations > openapi/operations.txt
	cargo run --quiet --bin linli -- openapi --roles > docs/ROLES.md
	cargo run --quiet --bin linli -- openapi --workflows > docs/WORKFLOWS.md

## Write the diesel tables again, after a change of a migration.
schema:
	@scripts/schema

## Forget the data of `make run` and of the tests.
clean:
	@scripts/cluster stop .data/run
	@scripts/cluster stop .data/test
	@scripts/cluster remove .data/run
	@scripts/cluster remove .data/test
	rm -rf .data
