package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// commonest are the command lines that are typed most.
var commonest = []string{
	"--version", "--help", "config view", "profile ls", "flow ls", "flow-run ls", "deployment ls", "work-pool ls", "variable ls", "block ls",
}

// measureCLI compares whole command lines: how long they take, and how much CPU they use.
func measureCLI(ctx context.Context, r *rig) ([]result, error) {
	var results []result
	own, instant := 0.015, 0.010
	for _, line := range commonest {
		var walls [2]float64
		ours, theirs, err := r.both(func(s *side) (float64, error) {
			cpu, wall, err := s.command(ctx, strings.Fields(line)...)
			if s == r.ours {
				walls[0] = wall
			} else {
				walls[1] = wall
			}
			return cpu, err
		})
		if err != nil {
			return nil, err
		}
		cpu := result{what: "CPU of " + line, unit: duration, ours: ours, theirs: theirs, limit: &own}
		wall := result{what: "time of " + line, unit: duration, ours: walls[0], theirs: walls[1], ratio: 50}
		if strings.HasPrefix(line, "--") {
			wall.limit = &instant
		}
		results = append(results, cpu, wall)
	}
	return results, nil
}

// command runs a command line several times and returns the medians of its CPU time and of the time it took.
func (s *side) command(ctx context.Context, args ...string) (cpu, wall float64, err error) {
	const times = 9
	server, err := s.running(ctx)
	if err != nil {
		return 0, 0, err
	}
	var cpus, walls []float64
	for range times {
		cmd := exec.CommandContext(ctx, s.cli, args...)
		cmd.Env = s.env(server)
		begun := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, 0, fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
		walls = append(walls, time.Since(begun).Seconds())
		cpus = append(cpus, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	}
	return median(cpus), median(walls), nil
}
