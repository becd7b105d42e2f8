package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

// stopPatience is how long a process may take to stop when asked to.
const stopPatience = 20 * time.Second

// Process is a running program together with everything it starts in turn.
// What it prints goes to a file.
type Process struct {
	cmd     *exec.Cmd
	logPath string
	done    chan struct{}
	err     error // valid once done is closed
}

// StartProcess starts cmd; standard output and error are appended to logPath.
func StartProcess(cmd *exec.Cmd, logPath string) (*Process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, logPath: logPath, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// PID is the id of the process, and of the group it leads.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err waits for the end of the process and says how it ended; nil is exit 0.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Log returns everything printed so far.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	return string(text)
}

// Stop asks the process to stop, waits, and kills what is left of its group.
// It is safe to call when the process has ended.
func (p *Process) Stop() {
	if p.ended() {
		return
	}
	_ = terminate(p.PID()) // it may end by itself in between
	select {
	case <-p.done:
	case <-time.After(stopPatience):
	}
	p.Kill()
}

// Kill ends the process and its group at once, as a power cut would.
func (p *Process) Kill() {
	_ = killGroup(p.PID()) // no such process is what we want
	<-p.done
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
