package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticksPerSecond is the unit of CPU times in /proc; Linux has it fixed.
const ticksPerSecond = 100

// usage is what a process and its descendants have used so far.
type usage struct {
	cpu    float64 // seconds
	memory float64 // bytes resident now
}

// usageOf adds up the tree of processes below and with pid.
func usageOf(pid int) (usage, error) {
	parents, err := processes()
	if err != nil {
		return usage{}, err
	}
	var sum usage
	for other := range parents {
		if !descends(other, pid, parents) {
			continue
		}
		one, err := usageOfOne(other)
		if os.IsNotExist(err) {
			continue // it has ended since it was listed
		}
		if err != nil {
			return usage{}, err
		}
		sum.cpu += one.cpu
		sum.memory += one.memory
	}
	if sum.memory == 0 {
		return usage{}, fmt.Errorf("process %d is not running", pid)
	}
	return sum, nil
}

// processes maps the id of each process to its parent's.
func processes() (map[int]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		return nil, errors.New("the measurements need /proc, that is, Linux")
	}
	parents := map[int]int{}
	for _, dir := range dirs {
		fields, err := statOf(dir)
		if err != nil {
			continue // it has ended since it was listed
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	return parents, nil
}

func descends(pid, ancestor int, parents map[int]int) bool {
	for ; pid > 0; pid = parents[pid] {
		if pid == ancestor {
			return true
		}
	}
	return false
}

func usageOfOne(pid int) (usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	fields, err := statOf(dir)
	if err != nil {
		return usage{}, err
	}
	var ticks, pages float64
	for _, field := range fields[11:15] { // own and waited-for children's, user and system
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return usage{}, fmt.Errorf("read %s/stat: %w", dir, err)
		}
		ticks += n
	}
	if pages, err = strconv.ParseFloat(fields[21], 64); err != nil {
		return usage{}, fmt.Errorf("read %s/stat: %w", dir, err)
	}
	return usage{cpu: ticks / ticksPerSecond, memory: pages * float64(os.Getpagesize())}, nil
}

// statOf returns the fields of dir/stat that follow the name of the program,
// which may hold anything.
func statOf(dir string) ([]string, error) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	if end < 0 || len(fields) < 22 {
		return nil, fmt.Errorf("%s/stat is not understood", dir)
	}
	return fields, nil
}
