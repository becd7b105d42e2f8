package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// result is one figure of both sides, and what is asked of ours: to be ratio
// times smaller than the reference's, to be at most the limit, or both.
type result struct {
	what         string
	ours, theirs float64
	unit         unit
	ratio        float64 // 0: none asked
	limit        *float64
	alone        bool // the reference is not measured
}

// unit prints figures of one kind.
type unit func(float64) string

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(time.Microsecond).String()
	}
}

func mebibytes(bytes float64) string { return fmt.Sprintf("%.0f MiB", bytes/(1<<20)) }
func factor(times float64) string    { return fmt.Sprintf("%.2f×", times) }
func percent(share float64) string   { return fmt.Sprintf("%.2f %%", 100*share) }

func (r result) met() bool {
	return (r.ratio == 0 || r.ours*r.ratio <= r.theirs) && (r.limit == nil || r.ours <= *r.limit)
}

func (r result) asked() string {
	switch {
	case r.ratio > 0:
		return fmt.Sprintf("≥ %.0f×", r.ratio)
	case r.limit != nil:
		return "≤ " + r.unit(*r.limit)
	default:
		return "-"
	}
}

// report prints one line per result and returns how many missed their bar.
func report(w io.Writer, results []result) (missed int, err error) {
	var text strings.Builder
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\treference\tusher\tratio\tbar\t")
	for _, r := range results {
		verdict := "ok"
		if !r.met() {
			verdict = "MISSED"
			missed++
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n",
			r.what, theirs(r), r.unit(r.ours), times(r), r.asked(), verdict)
	}
	if err := out.Flush(); err != nil {
		return missed, err
	}
	fmt.Fprintf(&text, "\n%d of %d bars are met\n", len(results)-missed, len(results))
	_, err = io.WriteString(w, text.String())
	return missed, err
}

func theirs(r result) string {
	if r.alone {
		return "-"
	}
	return r.unit(r.theirs)
}

func times(r result) string {
	if r.ours == 0 || r.alone {
		return "-"
	}
	return fmt.Sprintf("%.1f×", r.theirs/r.ours)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted)%2 == 1 {
		return sorted[len(sorted)/2]
	}
	return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
}
