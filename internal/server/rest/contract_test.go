package rest

import (
	"os"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// TestRoutesMatchTheContract compares the table with docs/api/openapi.json operation by
// operation and says how much of it is served.
func TestRoutesMatchTheContract(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../docs/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	contract := map[string]bool{}
	for path, methods := range doc.Paths {
		for method := range methods {
			contract[method+" "+path] = true
		}
	}
	served := map[api.Operation]bool{}
	for _, row := range routes() {
		switch {
		case served[row.op]:
			t.Errorf("%s has two rows", row.op.Name)
		case (slices.Contains(api.OwnOperations(), row.op) || slices.Contains(api.HostedOperations(), row.op)) == contract[lower(row.op.Method)+" "+row.op.Path]:
			t.Errorf("%s %s is not in the contract", row.op.Method, row.op.Path)
		case row.limits.body <= 0:
			t.Errorf("%s has no limit on its body", row.op.Name)
		case row.permission == "" && !public[row.op.Name]:
			t.Errorf("%s names no permission", row.op.Name)
		}
		served[row.op] = true
	}
	for _, op := range api.Operations() {
		if !served[op] {
			t.Logf("501: %s %s", op.Method, op.Path)
		}
	}
	t.Logf("%d of %d operations are served", len(served), len(contract))
	if len(api.Operations()) != len(contract) {
		t.Errorf("%d operations are generated, the contract has %d", len(api.Operations()), len(contract))
	}
}

// public are the operations that need no permission.
var public = map[string]bool{
	"HealthCheck": true, "ServerVersion": true, "ReadVersion": true, "Hello": true, "PerformReadinessCheck": true, "CreateCSRFToken": true,
}

func lower(method string) string {
	b := []byte(method)
	for i := range b {
		b[i] |= 0x20
	}
	return string(b)
}

// TestHostedOperationsAreServed says which operations of the hosted service's contract have
// no route yet, inside of workspaces.
func TestHostedOperationsAreServed(t *testing.T) {
	t.Parallel()
	served := map[api.Operation]bool{}
	for _, row := range routes() {
		served[row.op] = true
	}
	missing := 0
	for _, op := range api.HostedOperations() {
		if !served[op] {
			missing++
			t.Logf("404: %s %s", op.Method, op.Path)
		}
	}
	t.Logf("%d of %d operations of the hosted service inside of workspaces are served", len(api.HostedOperations())-missing, len(api.HostedOperations()))
}
