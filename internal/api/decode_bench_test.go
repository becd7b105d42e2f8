package api_test

import (
	"testing"

	"github.com/usherhq/usher/internal/api"
)

func BenchmarkDecode(b *testing.B) {
	decode := func(name, body string, into func() any) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := api.Decode([]byte(body), into()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	decode("state", `{"state": {"type": "RUNNING"}}`, func() any { return new(api.SetFlowRunStateRequest) })
	decode("run", `{"flow_id": "6d7b7f3c-2b3a-4f64-9a0c-0a3cf0f0a6d5", "parameters": {"n": 1, "who": "Ada"}, "tags": ["bench"], "state": {"type": "PENDING"}}`,
		func() any { return new(api.FlowRunCreate) })
	decode("filter", `{"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}`, func() any { return new(api.CountFlowRunsRequest) })
}
