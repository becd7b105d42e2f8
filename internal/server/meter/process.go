package meter

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

var started = time.Now()

// process is about the process itself, under the names that every client library uses.
// Processor time and memory are told where the system has files that say them.
func process() []Gauge {
	one := func(name, help string, v float64) Gauge {
		return Gauge{Name: name, Help: help, Values: map[string]float64{"": v}}
	}
	out := []Gauge{
		one("go_goroutines", "Goroutines that exist.", float64(runtime.NumGoroutine())),
		one("process_start_time_seconds", "When the process started.", float64(started.Unix())),
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return out
	}
	// The second field is the program's name, in parentheses; the third comes after it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 22 {
		return out
	}
	at := func(i int) float64 {
		n, err := strconv.ParseFloat(fields[i-3], 64)
		if err != nil {
			return 0
		}
		return n
	}
	const ticks = 100 // of a second, on every Linux
	return append(out,
		one("process_cpu_seconds_total", "Processor time used.", (at(14)+at(15))/ticks),
		one("process_resident_memory_bytes", "Memory held.", at(24)*float64(os.Getpagesize())))
}
