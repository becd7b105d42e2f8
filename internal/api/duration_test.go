package api_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// durations are values with what the reference makes of them.
var durations = []struct{ in, want string }{
	{`"01:30"`, "1h30m0s"}, {`"1:30:00"`, "1h30m0s"}, {`"25:00:00"`, "25h0m0s"}, {`"100:00:00"`, "100h0m0s"}, {`"01:30:00.5"`, "1h30m0.5s"},
	{`"1 day"`, "24h0m0s"}, {`"1d"`, "24h0m0s"}, {`"1 days, 01:00:00"`, "25h0m0s"}, {`"1 days,01:00:00"`, "25h0m0s"}, {`"1 day 01:00"`, "25h0m0s"}, {`"1 day, "`, "24h0m0s"},
	{`"-P1D"`, "-24h0m0s"}, {`"+PT5S"`, "5s"}, {`"P1.5D"`, "36h0m0s"}, {`"PT1.5H"`, "1h30m0s"}, {`"P1W"`, "168h0m0s"}, {`"P1M1Y"`, "9480h0m0s"},
	{`"P1DT"`, "24h0m0s"}, {`"PT1H1H"`, "2h0m0s"}, {`-5`, "-5s"}, {`0.0000001`, "0s"}, {`true`, "1s"},
	{`"x"`, "invalid digit in duration"}, {`""`, "input is too short"}, {`"5"`, `"day" identifier in duration not correctly formatted`},
	{`"1e20"`, `"day" identifier in duration not correctly formatted`}, {`"nan"`, "invalid digit in duration"}, {`"P"`, "input is too short"},
	{`"PT"`, "input is too short"}, {`"P1"`, "quantity invalid in date part of duration"}, {`"P1X"`, "quantity invalid in date part of duration"},
	{`"PT1X"`, "quantity invalid in time part of duration"}, {`"1:2"`, `"day" identifier in duration not correctly formatted`},
	{`"01:60:00"`, "minute value is outside expected range of 0-59"}, {`"01:30:60"`, "second value is outside expected range of 0-59"},
	{`"01:30:00."`, "second fraction digits missing after `.`"}, {`"1 dayx"`, "input is too short"}, {`"d"`, "invalid digit in duration"},
	{`"01-30"`, "invalid character in hour"}, {`"2021-01-01"`, "invalid character in hour"}, {`"01:30:00Z"`, "unexpected extra characters at the end of the input"},
	{`"P1D2H"`, "quantity invalid in date part of duration"}, {`"p1d"`, "invalid digit in duration"}, {`"  PT5S"`, "invalid character in hour"},
	{`"PT5S "`, "invalid digit in duration"}, {`"1 week"`, "invalid character in hour"}, {`"01:30:0"`, "invalid character in second"},
	{`null`, "write seconds"}, {`[]`, "write seconds"}, {`1e20`, "290 years"},
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for _, c := range durations {
		d, err := api.ParseDuration(jsontext.Value(c.in))
		if err == nil && d.String() != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %s, %v, want %s", c.in, d, err, c.want)
		}
	}
}
