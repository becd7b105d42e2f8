//go:build linux

package worker_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/testkit"
)

// instances stand in for the machines of ECS: all calls go on to what answers as AWS, which
// runs nothing, and the commands of tasks run as processes here. The name of a task's image
// says what else befalls it.
type instances struct {
	t    *testing.T
	aws  *testkit.AWS
	path string // PATH of the processes
	url  string

	mu       sync.Mutex
	images   map[string]string // of task definitions, by ARN
	defined  int               // how many there are
	inactive int
	tasks    map[string]*ecsTask // by ARN
}

type ecsTask struct {
	command *exec.Cmd
	image   string
	ended   bool
	code    int
}

func newInstances(t *testing.T, aws *testkit.AWS, path string) *instances {
	t.Helper()
	i := &instances{t: t, aws: aws, path: path, images: map[string]string{}, tasks: map[string]*ecsTask{}}
	server := httptest.NewServer(i)
	t.Cleanup(func() {
		server.Close()
		i.mu.Lock()
		defer i.mu.Unlock()
		for _, task := range i.tasks {
			if task.command != nil && !task.ended {
				syscall.Kill(-task.command.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended meanwhile
			}
		}
	})
	i.url = server.URL
	return i
}

// ServeHTTP passes a call on and does what it asks of machines.
func (i *instances) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	on, err := http.NewRequestWithContext(r.Context(), r.Method, i.aws.URL+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	on.Header = r.Header.Clone()
	response, err := http.DefaultClient.Do(on)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	operation := r.Header.Get("X-Amz-Target")
	if response.StatusCode == http.StatusOK && operation != "" {
		answer = i.act(operation[strings.LastIndexByte(operation, '.')+1:], body, answer)
	}
	w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	w.WriteHeader(response.StatusCode)
	w.Write(answer) //nolint:errcheck // who asked notices
}

func (i *instances) act(operation string, body, answer []byte) []byte {
	var request, told object
	if json.Unmarshal(body, &request) != nil || json.Unmarshal(answer, &told) != nil {
		return answer
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	switch operation {
	case "RegisterTaskDefinition":
		definition := told["taskDefinition"].(object)
		i.defined++
		i.images[definition["taskDefinitionArn"].(string)] = request["containerDefinitions"].([]any)[0].(object)["image"].(string)
	case "DeregisterTaskDefinition":
		i.inactive++
	case "RunTask":
		for _, task := range told["tasks"].([]any) {
			i.run(task.(object), request)
			i.rewrite(task.(object))
		}
	case "DescribeTasks":
		for _, task := range told["tasks"].([]any) {
			i.rewrite(task.(object))
		}
	case "StopTask":
		arn, _ := told["task"].(object)["taskArn"].(string)
		if task := i.tasks[arn]; task != nil && task.command != nil && !task.ended {
			syscall.Kill(-task.command.Process.Pid, syscall.SIGTERM) //nolint:errcheck // it may have ended meanwhile
		}
	}
	changed, err := json.Marshal(told)
	if err != nil {
		return answer
	}
	return changed
}

// run starts the command of a task's container.
func (i *instances) run(task, request object) {
	started := &ecsTask{image: i.images[request["taskDefinition"].(string)]}
	i.tasks[task["taskArn"].(string)] = started
	if started.image != "run" {
		return
	}
	override := request["overrides"].(object)["containerOverrides"].([]any)[0].(object)
	var argv []string
	for _, word := range override["command"].([]any) {
		argv = append(argv, word.(string))
	}
	started.command = exec.Command("/usr/bin/env", argv...)
	started.command.Env = []string{"PATH=" + i.path, "HOME=" + i.t.TempDir()}
	for _, e := range override["environment"].([]any) {
		started.command.Env = append(started.command.Env, e.(object)["name"].(string)+"="+e.(object)["value"].(string))
	}
	started.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := started.command.Start(); err != nil {
		started.ended, started.code = true, 127
		return
	}
	go func() {
		started.command.Wait() //nolint:errcheck // its code says it
		i.mu.Lock()
		defer i.mu.Unlock()
		started.ended, started.code = true, started.command.ProcessState.ExitCode()
		if started.code < 0 {
			started.code = 128 + int(started.command.ProcessState.Sys().(syscall.WaitStatus).Signal())
		}
	}()
}

// rewrite says how a task really is.
func (i *instances) rewrite(task object) {
	known := i.tasks[task["taskArn"].(string)]
	if known == nil {
		return
	}
	container := object{"name": "prefect", "lastStatus": "STOPPED"}
	task["containers"] = []any{container}
	task["lastStatus"] = "STOPPED"
	switch known.image {
	case "unpullable":
		task["stopCode"] = "TaskFailedToStart"
		task["stoppedReason"] = "CannotPullContainerError: pull image manifest has been retried 1 time(s): denied: access forbidden"
	case "oom":
		container["exitCode"], container["reason"] = 137, "OutOfMemoryError: Container killed due to memory usage"
		task["stopCode"], task["stoppedReason"] = "EssentialContainerExited", "Essential container in task exited"
	case "lost":
		task["stopCode"], task["stoppedReason"] = "TerminationNotice", "Host EC2 (instance i-0123) terminated."
	case "waiting":
		task["lastStatus"], container["lastStatus"] = "PROVISIONING", "PENDING"
	default:
		if !known.ended {
			task["lastStatus"], container["lastStatus"] = "RUNNING", "RUNNING"
			return
		}
		container["exitCode"] = known.code
		task["stopCode"], task["stoppedReason"] = "EssentialContainerExited", "Essential container in task exited"
	}
}
