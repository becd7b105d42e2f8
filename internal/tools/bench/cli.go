package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// measureCLI compares the CPU time of whole command lines.
func measureCLI(ctx context.Context, r *rig) ([]result, error) {
	var results []result
	for _, line := range []string{"--version", "--help", "flow-run ls"} {
		ours, theirs, err := r.both(func(s *side) (float64, error) {
			return s.cpuOfCommand(ctx, strings.Fields(line)...)
		})
		if err != nil {
			return nil, err
		}
		results = append(results, result{
			what: "CPU of " + line, unit: duration, ours: ours, theirs: theirs, ratio: 60,
		})
	}
	return results, nil
}

func (s *side) cpuOfCommand(ctx context.Context, args ...string) (float64, error) {
	const times = 9
	server, err := s.running(ctx)
	if err != nil {
		return 0, err
	}
	var cpu []float64
	for range times {
		cmd := exec.CommandContext(ctx, s.cli, args...)
		cmd.Env = s.env(server)
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
		cpu = append(cpu, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	}
	return median(cpu), nil
}
