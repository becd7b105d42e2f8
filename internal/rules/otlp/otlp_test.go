package otlp_test

import (
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/otlp"
)

var run = uuid.MustParse("01a210f5-5359-7ec6-b862-987a6e7a9a4b")

// What the SDK has sent of a program that slept.
func TestReadsWhatTheSDKSends(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("testdata/sdk.pb")
	if err != nil {
		t.Fatal(err)
	}
	m, err := otlp.ReadProtobuf(body)
	if err != nil {
		t.Fatal(err)
	}
	if m.Rejected != 0 || len(m.Runs) != 1 || m.Runs[0].ID != run || m.Runs[0].Len() != 3 {
		t.Fatalf("%+v", m)
	}
	units, least := map[string]string{}, map[string]float64{"process.cpu.utilization": 0, "process.memory.usage": 1 << 20, "process.memory.virtual": 1 << 20}
	for _, s := range m.Runs[0].Series {
		units[s.Name] = s.Unit
		if p := s.Points[0]; p.Value < least[s.Name] || p.Value > 1<<40 || p.At.Year() < 2026 {
			t.Errorf("%s: %+v", s.Name, p)
		}
	}
	if diff := cmp.Diff(map[string]string{"process.cpu.utilization": "1", "process.memory.usage": "By", "process.memory.virtual": "By"}, units); diff != "" {
		t.Error(diff)
	}
}

const asJSON = `{"resourceMetrics":[{"resource":{"attributes":[{"key":"prefect.flow-run.id","value":{"stringValue":"01a210f5-5359-7ec6-b862-987a6e7a9a4b"}},{"key":"n","value":{"intValue":"5"}}]},
"scopeMetrics":[{"scope":{"name":"x"},"metrics":[
 {"name":"a","unit":"By","sum":{"isMonotonic":false,"dataPoints":[{"timeUnixNano":"2000000000","asInt":"7"},{"timeUnixNano":1000000000,"asInt":5},{"timeUnixNano":"1000000000","asInt":"6"}]}},
 {"name":"b","gauge":{"dataPoints":[{"timeUnixNano":"1000000000","asDouble":0.5},{"timeUnixNano":"1000000000","asDouble":"NaN"},{"asDouble":1},{"timeUnixNano":"3000000000"}]}},
 {"name":"c","histogram":{"dataPoints":[{"count":"1"}]}},
 {"name":"","gauge":{"dataPoints":[{"timeUnixNano":"1","asDouble":1}]}}]}]},
 {"scopeMetrics":[{"metrics":[{"name":"a","gauge":{"dataPoints":[{"timeUnixNano":"1","asDouble":1}]}}]}]}]}`

func TestReadsJSON(t *testing.T) {
	t.Parallel()
	m, err := otlp.ReadJSON([]byte(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	at := func(seconds int64) api.Time { return api.At(time.Unix(seconds, 0)) }
	want := []otlp.Run{{ID: run, Series: []otlp.Series{
		{Name: "a", Unit: "By", Points: []otlp.Point{{At: at(1), Value: 5}, {At: at(2), Value: 7}}},
		{Name: "b", Points: []otlp.Point{{At: at(1), Value: 0.5}}},
	}}}
	if diff := cmp.Diff(want, m.Runs); diff != "" {
		t.Error(diff)
	}
	if m.Rejected != 7 || m.Why == "" || m.AnswerJSON().Partial.Rejected != "7" {
		t.Errorf("%d are rejected: %s", m.Rejected, m.Why)
	}
	for _, text := range []string{`{`, `[]`, `{"resourceMetrics":5}`, `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asDouble":"much"}]}}]}]}]}`} {
		if _, err := otlp.ReadJSON([]byte(text)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

func TestWhatIsNotTakenIsAnsweredAsProtobuf(t *testing.T) {
	t.Parallel()
	m := &otlp.Metrics{}
	if got := m.AnswerProtobuf(); len(got) > 0 {
		t.Errorf("all is taken: %x", got)
	}
	m.Reject(300, "no")
	if got := hex.EncodeToString(m.AnswerProtobuf()); got != "0a0708ac0212026e6f" {
		t.Error(got)
	}
}

// FuzzReadProtobuf says that no bytes are too much for the reader, and that what is read has
// an order.
func FuzzReadProtobuf(f *testing.F) {
	body, err := os.ReadFile("testdata/sdk.pb")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{0x0b})
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := otlp.ReadProtobuf(body)
		if err != nil {
			return
		}
		for _, r := range m.Runs {
			for _, s := range r.Series {
				for i := 1; i < len(s.Points); i++ {
					if !s.Points[i-1].At.Before(s.Points[i].At.Time) {
						t.Fatalf("%s is in no order", s.Name)
					}
				}
			}
		}
	})
}

func TestBytesThatAreNoMessageAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0b", "0a05", "0aff", "ff", "0aff", "00", "0affffffffffffffffff01", "0a020b00"} {
		body, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := otlp.ReadProtobuf(body); err == nil {
			t.Errorf("%s is read: %+v", text, m)
		}
	}
}
