package schedule_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/rules/schedule"
	"github.com/usherhq/usher/internal/testkit"
)

// TestSchedulesMatchTheLibrariesOfTheReference asks croniter and dateutil themselves, with
// new random schedules each time: more than a hundred thousand questions.
func TestSchedulesMatchTheLibrariesOfTheReference(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes most of a minute")
	}
	python := testkit.Reference(t).Python
	var group sync.WaitGroup
	asked := make([]int, 2)
	for i := range asked {
		seed := rand.IntN(1 << 30)
		t.Logf("python testdata/differential.py %d 6500", seed)
		group.Go(func() { asked[i] = differential(t, python, seed, 6500) })
	}
	group.Wait()
	if total := asked[0] + asked[1]; total < 100_000 {
		t.Errorf("only %d questions were asked", total)
	}
}

// differential checks what the script prints and says how many questions that were.
func differential(t *testing.T, python string, seed, schedules int) (asked int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, "testdata/differential.py", strconv.Itoa(seed), strconv.Itoa(schedules))
	cmd.Env = append(testkit.Env(t.TempDir()), "PYTHONDONTWRITEBYTECODE=1")
	var talk bytes.Buffer
	cmd.Stderr = &talk
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return 0
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Errorf("%v: %s", err, lines.Bytes())
			continue
		}
		asked += v.ask(t)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, talk.Bytes())
	}
	return asked
}

// ask puts every question of v to the schedule that it describes.
func (v vector) ask(t *testing.T) int {
	t.Helper()
	s, err := v.schedule()
	switch {
	case v.Valid != nil:
		if *v.Valid != (err == nil) {
			t.Errorf("%q: croniter says valid=%v, we say %v", v.Cron, *v.Valid, err)
		}
		return 1
	case err != nil:
		t.Errorf("%q %q %d: %v", v.Cron, v.RRule, v.Interval, err)
		return 1
	}
	v.check(t, s)
	all := v.want()
	for _, q := range v.Questions {
		start, n, first := time.UnixMicro(q[0]), int(q[1]), int(q[2])
		got := s.After(start, n, time.Time{})
		if want := all[first : first+n]; fmt.Sprint(inUTC(got)) != fmt.Sprint(want) {
			t.Errorf("%q %q %d in %s from %s: got %v, want %v", v.Cron, v.RRule, v.Interval, v.Zone, start.UTC(), inUTC(got), want)
		}
	}
	return 1 + len(v.Questions)
}

func (v vector) schedule() (schedule.Schedule, error) {
	switch {
	case v.Cron != "":
		return schedule.NewCron(v.Cron, v.Zone, !v.And)
	case v.RRule != "":
		return schedule.NewRRule(v.RRule, v.Zone)
	}
	return schedule.NewInterval(time.Duration(v.Interval)*time.Microsecond, time.UnixMicro(v.Anchor), v.Zone)
}

func inUTC(list []time.Time) []time.Time {
	out := make([]time.Time, len(list))
	for i, at := range list {
		out[i] = at.UTC()
	}
	return out
}
