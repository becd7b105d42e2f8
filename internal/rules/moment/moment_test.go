package moment_test

import (
	"testing"
	"time"

	"github.com/usherhq/usher/internal/rules/moment"
)

func TestParse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 30, 14, 5, 6, 700, time.UTC) // a Friday
	for text, want := range map[string]string{
		"10 minutes":                "2026-01-30T14:15:06Z",
		"in 10 minutes":             "2026-01-30T14:15:06Z",
		"90s":                       "2026-01-30T14:06:36Z",
		"1h30m":                     "",
		"1 hour and 30 minutes":     "2026-01-30T15:35:06Z",
		"an hour":                   "2026-01-30T15:05:06Z",
		"1.5 hours":                 "2026-01-30T15:35:06Z",
		"2 days":                    "2026-02-01T14:05:06Z",
		"1 month":                   "2026-03-02T14:05:06Z",
		"2 weeks":                   "2026-02-13T14:05:06Z",
		"now":                       "2026-01-30T14:05:06Z",
		"5ms":                       "",
		"17:30":                     "2026-01-30T17:30:00Z",
		"at 17:30":                  "2026-01-30T17:30:00Z",
		"13:00":                     "2026-01-31T13:00:00Z",
		"5pm tomorrow":              "2026-01-31T17:00:00Z",
		"tomorrow 5 pm":             "2026-01-31T17:00:00Z",
		"tomorrow at 5:30pm":        "2026-01-31T17:30:00Z",
		"tomorrow":                  "2026-01-31T14:05:06Z",
		"noon":                      "2026-01-31T12:00:00Z",
		"monday 08:00":              "2026-02-02T08:00:00Z",
		"next friday at noon":       "2026-02-06T12:00:00Z",
		"2026-02-03":                "2026-02-03T00:00:00Z",
		"2026-02-03 08:00":          "2026-02-03T08:00:00Z",
		"2026-02-03T08:00:00+02:00": "2026-02-03T06:00:00Z",
		"2026-02-03 08:00 -05:00":   "2026-02-03T13:00:00Z",
		"2026-02-03 08:00 UTC":      "2026-02-03T08:00:00Z",
		"February 3, 2026":          "2026-02-03T00:00:00Z",
		"Jan 31 5pm":                "2026-01-31T17:00:00Z",
		"jan 2 2031 17:30":          "2031-01-02T17:30:00Z",
		"2nd of january 2031":       "2031-01-02T00:00:00Z",
		"2nd january 2031":          "2031-01-02T00:00:00Z",
		"5 pm on 3 february":        "2026-02-03T17:00:00Z",
		"Jan 2":                     "2027-01-02T00:00:00Z",
		"feb 30":                    "",
		"march":                     "",
		"":                          "",
		"in":                        "",
		"soon":                      "",
		"10":                        "",
		"10 apples":                 "",
		"tomorrow monday":           "",
		"2026-02-03 08:00 XYZ":      "",
	} {
		at, ok := moment.Parse(text, now)
		got := ""
		if ok {
			got = at.Truncate(time.Second).Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
