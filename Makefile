# What people do here. `make` alone lists it.
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: ## play the viral group and write its report
	go run ./cmd/chatlab run viral-group

test: ## every test, as CI runs them
	go test ./...

race: ## the same under the race detector
	@# One thread a package: where two fire expired timer channels of one bubble (testing/synctest) at once, the detector itself crashes.
	go test -race -cpu 1 -timeout 25m $$(go list ./... | grep -v /scenarios)
	go test -race -p 1 -timeout 25m ./scenarios/...

mutants: ## switch on each known defect and show which property catches it
	CHATLAB_MUTANTS=1 go test -count=1 -timeout 20m -v -run TestMutants ./scenarios/mutants

scenarios: ## play every variant of every question, small
	CHATLAB_VARIANTS=all go test -count=1 -timeout 30m -v -run TestScenarios ./scenarios/catalogue

explore: ## play N random plans (N=20) on the hardened profile; what breaks a promise is shrunk and printed
	CHATLAB_PLANS=$(or $(N),20) go test -count=1 -timeout 6h -v -run TestRandomPlans ./scenarios/explore

paths: ## play every write path under every fault and show which promises it keeps
	CHATLAB_PATHS=1 go test -count=1 -timeout 30m -v -run TestPaths ./scenarios/paths

engine: ## see to it that a container engine answers: install and start Debian's where none does (as root); engine-stop ends it
	scenarios/environment/containers/images/engine.sh start

engine-stop:
	scenarios/environment/containers/images/engine.sh stop

images: ## build the images of Kafka, Cassandra and Redis where no image registry can be reached
	scenarios/environment/containers/images/build.sh

conformance: ## the stores' conformance suites against real servers in containers (needs an engine and images)
	go test -tags containers -count=1 -timeout 30m -v ./scenarios/environment/containers/cluster

tour: ## type the tour of docs/API.md, with other people's clients (needs curl, wscat, kcat)
	CHATLAB_TOUR=1 go test -count=1 -timeout 10m -v -run TestTour ./system/api/tour

bench: ## benchmarks: figures with units
	go test -run '^$$' -bench . -benchmem ./system/... ./scenarios/... ./sim/...

fuzz: ## each fuzz target for 20 seconds
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s $$p || exit 1; done; done

lint: ## golangci-lint as CI runs it
	golangci-lint run

fmt: ## format
	gofmt -w cmd system scenarios chaos sim reports *.go

proto: ## generate the gRPC code again (needs protoc, protoc-gen-go, protoc-gen-go-grpc)
	go generate ./system/wire/pb

contracts: ## write the tables of codes and the dashboard into the documents again
	go test ./system/api ./system/deploy -update

alerts: ## unit tests of the alert rules (needs promtool)
	promtool check rules system/deploy/monitoring/alerts.yaml
	promtool test rules system/deploy/monitoring/alerts_test.yaml

.PHONY: help scenarios explore engine engine-stop images conformance tour contracts alerts run test race mutants paths bench fuzz lint fmt proto
