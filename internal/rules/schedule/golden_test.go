package schedule_test

import (
	"compress/gzip"
	"os"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/usherhq/usher/internal/rules/schedule"
)

// golden is what the reference answers; testdata/generate.py writes it.
type golden struct {
	Cron     []vector           `json:"cron"`
	RRule    []vector           `json:"rrule"`
	Interval []vector           `json:"interval"`
	Validity [][]jsontext.Value `json:"validity"`
}

// vector is one question to a schedule and its answer. Times are in microseconds.
type vector struct {
	Cron     string  `json:"c"`
	And      bool    `json:"and"`
	RRule    string  `json:"r"`
	Bad      bool    `json:"bad"` // refused
	Interval int64   `json:"i"`
	Anchor   int64   `json:"a"`
	Zone     string  `json:"z"`
	Start    int64   `json:"s"`
	N        int     `json:"n"`
	End      *int64  `json:"e"`
	Unit     int64   `json:"u"` // of Dates
	Dates    []int64 `json:"d"` // the first one and the steps after it
	Over     bool    `json:"over"`
	Open     bool    `json:"open"` // the reference failed after these, we need not

	Questions [][3]int64 `json:"q"`     // start, n, and the first of Dates in the answer
	Valid     *bool      `json:"valid"` // whether Cron is an expression; nothing else is asked
}

func readGolden(t testing.TB) golden {
	t.Helper()
	f, err := os.Open("testdata/golden.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.UnmarshalRead(unzipped, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func (v vector) want() []time.Time {
	var dates []time.Time
	sum := int64(0)
	for _, step := range v.Dates {
		sum += step
		dates = append(dates, time.UnixMicro(sum*v.Unit).UTC())
	}
	return dates
}

// check asks s what v asks and compares.
func (v vector) check(t *testing.T, s schedule.Schedule) {
	t.Helper()
	start, until := time.UnixMicro(v.Start), time.Time{}
	if v.End != nil {
		until = time.UnixMicro(*v.End)
	}
	want := v.want()
	n := v.N
	if v.Open {
		n = len(want)
	}
	var got []time.Time
	for _, at := range s.After(start, n, until) {
		got = append(got, at.UTC())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %q %q in %s, and=%v, from %s, n=%d, until %s (-reference +ours):\n%s", time.Duration(v.Interval)*time.Microsecond, v.Cron, v.RRule, v.Zone, v.And, start.UTC(), v.N, until.UTC(), diff)
	}
}

func TestCronMatchesReference(t *testing.T) {
	t.Parallel()
	for _, v := range readGolden(t).Cron {
		s, err := schedule.NewCron(v.Cron, v.Zone, !v.And)
		if err != nil {
			t.Errorf("%q is valid for the reference: %v", v.Cron, err)
			continue
		}
		v.check(t, s)
	}
}

func TestCronValidityMatchesReference(t *testing.T) {
	t.Parallel()
	for _, pair := range readGolden(t).Validity {
		var expr string
		if err := json.Unmarshal(pair[0], &expr); err != nil {
			t.Fatal(err)
		}
		_, err := schedule.NewCron(expr, "", true)
		if valid := string(pair[1]) == "true"; valid != (err == nil) {
			t.Errorf("%q: reference says valid=%v, we say %v", expr, valid, err)
		}
	}
}

func TestRRuleMatchesReference(t *testing.T) {
	t.Parallel()
	for _, v := range readGolden(t).RRule {
		s, err := schedule.NewRRule(v.RRule, v.Zone)
		switch {
		case v.Bad && err == nil:
			t.Errorf("the reference refuses %q", v.RRule)
		case v.Bad:
		case err != nil:
			t.Errorf("%q is valid for the reference: %v", v.RRule, err)
		default:
			v.check(t, s)
		}
	}
}

func TestIntervalMatchesReference(t *testing.T) {
	t.Parallel()
	for _, v := range readGolden(t).Interval {
		s, err := schedule.NewInterval(time.Duration(v.Interval)*time.Microsecond, time.UnixMicro(v.Anchor), v.Zone)
		if err != nil {
			t.Errorf("%d µs: %v", v.Interval, err)
			continue
		}
		v.check(t, s)
	}
}
