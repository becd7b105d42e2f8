package rest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/usherhq/usher/internal/store/storetest"
)

// benchTemplate is a base job template of usual size.
const benchTemplate = `{"job_configuration":{"command":"{{ command }}","env":"{{ env }}","labels":"{{ labels }}","name":"{{ name }}","stream_output":"{{ stream_output }}","working_dir":"{{ working_dir }}"},
"variables":{"type":"object","properties":{
"name":{"title":"Name","description":"Name given to infrastructure.","anyOf":[{"type":"string"},{"type":"null"}],"default":null},
"env":{"title":"Environment Variables","description":"Variables to set.","type":"object","additionalProperties":{"anyOf":[{"type":"string"},{"type":"null"}]}},
"labels":{"title":"Labels","type":"object","additionalProperties":{"type":"string"}},
"command":{"title":"Command","anyOf":[{"type":"string"},{"type":"null"}],"default":null},
"stream_output":{"title":"Stream Output","type":"boolean","default":true},
"working_dir":{"title":"Working Directory","anyOf":[{"type":"string","format":"path"},{"type":"null"}],"default":null}}}}`

// BenchmarkDeployment is what runs of deployments cost over HTTP: making one with checked
// parameters and variables, and asking for those that are due.
func BenchmarkDeployment(b *testing.B) {
	url := startServer(b, storetest.SQLiteURL(b))
	expect(b, url, "POST /work_pools/", `{"name":"p","type":"process","base_job_template":`+benchTemplate+`}`, http.StatusCreated)
	_, flow := ask(b, url, "POST /flows/", `{"name":"bench"}`)
	_, d := ask(b, url, "POST /deployments/", fmt.Sprintf(`{"name":"d","flow_id":%q,"work_pool_name":"p","enforce_parameter_schema":true,
		"parameter_openapi_schema":{"type":"object","properties":{"x":{"type":"integer","title":"x","position":0},"y":{"type":"string","default":"a"}},"required":["x"]}}`, pick(b, flow, "id")))
	id := pick(b, d, "id")
	b.Run("poll", func(b *testing.B) {
		for b.Loop() {
			expect(b, url, "POST /work_pools/p/get_scheduled_flow_runs", `{"limit":10}`, http.StatusOK)
		}
	})
	b.Run("create_flow_run", func(b *testing.B) {
		for b.Loop() {
			expect(b, url, "POST /deployments/"+id+"/create_flow_run", `{"parameters":{"x":3},"job_variables":{"env":{"A":"b"}}}`, http.StatusCreated)
		}
	})
	b.Run("poll a backlog", func(b *testing.B) {
		for b.Loop() {
			expect(b, url, "POST /work_pools/p/get_scheduled_flow_runs", `{"limit":10}`, http.StatusOK)
		}
	})
}
