package deployment

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/output"
)

// describe words a schedule as the reference lists it.
func describe(schedule jsontext.Value) string {
	var s struct {
		Cron     *string  `json:"cron"`
		Interval *float64 `json:"interval"`
		RRule    *string  `json:"rrule"`
		Timezone *string  `json:"timezone"`
	}
	if err := json.Unmarshal(schedule, &s); err != nil {
		return output.Compact(schedule)
	}
	zone := ""
	if s.Timezone != nil && *s.Timezone != "UTC" {
		zone = fmt.Sprintf(" (%s)", *s.Timezone)
	}
	switch {
	case s.Cron != nil:
		return "cron: " + *s.Cron + zone
	case s.Interval != nil:
		return "interval: " + strconv.FormatFloat(*s.Interval, 'f', -1, 64) + "s"
	case s.RRule != nil:
		return "rrule: " + *s.RRule + zone
	}
	return output.Compact(schedule)
}
