package kubernetes

import (
	"fmt"
	"strings"
	"time"

	"github.com/usherhq/usher/internal/kubernetes"
	"github.com/usherhq/usher/internal/worker/report"
)

// diagnosis says what is wrong with a pod, and what to do about it.
type diagnosis struct {
	name, detail, resolution string

	level int
	// patience says how long a pod may be so before the run is given up; 0 means for ever.
	patience func(o limits) time.Duration
}

func (d diagnosis) String() string {
	return fmt.Sprintf("%s: %s. %s", d.name, strings.TrimSuffix(d.detail, "."), d.resolution)
}

// unschedulableMost is how long a pod may wait for a node: long enough for a cluster to grow.
const unschedulableMost = 30 * time.Minute

func untilPodWatch(o limits) time.Duration { return o.pod }

func untilGrown(limits) time.Duration { return unschedulableMost }

// diagnose looks at a pod; ok is false if nothing is wrong with it.
func diagnose(p kubernetes.Pod) (d diagnosis, ok bool) {
	for _, c := range append(append([]kubernetes.ContainerStatus(nil), p.Status.InitContainers...), p.Status.Containers...) {
		if d, ok := diagnoseContainer(c); ok {
			return d, true
		}
	}
	if p.Status.Reason == "Evicted" {
		return diagnosis{"Evicted", or(p.Status.Message, "the node evicted the pod"), "Give the run requests and limits that fit, or the node more room.", report.Error, nil}, true
	}
	for _, c := range p.Status.Conditions {
		switch {
		case c.Type == "DisruptionTarget" && c.Status == "True" && c.Reason == "DeletionByTaintManager", p.Status.Reason == "NodeLost":
			return diagnosis{"NodeLost", fmt.Sprintf("node %s is gone or not ready. %s", p.Spec.Node, c.Message), "Run it again; look at the node.", report.Error, nil}, true
		case c.Type == "DisruptionTarget" && c.Status == "True":
			return diagnosis{"Evicted", c.Reason + ": " + c.Message, "Run it again; a priority class or a disruption budget keeps pods in place.", report.Error, nil}, true
		case c.Type == "PodScheduled" && c.Status == "False" && c.Reason == "Unschedulable":
			return unschedulable(c.Message), true
		}
	}
	return diagnosis{}, false
}

func unschedulable(message string) diagnosis {
	name, resolution := "Unschedulable", "Look at the nodes and at what the pod asks for."
	switch {
	case strings.Contains(message, "Insufficient"):
		name, resolution = name+".InsufficientResources", "Ask for less CPU or memory, or let the cluster grow."
	case strings.Contains(message, "affinity"), strings.Contains(message, "selector"):
		name, resolution = name+".NodeAffinity", "Correct the node selector or affinity in the job manifest, or label a node."
	case strings.Contains(message, "taint"):
		name, resolution = name+".Taint", "Add a toleration to the job manifest, or take the taint off a node."
	}
	return diagnosis{name, message, resolution, report.Warning, untilGrown}
}

func diagnoseContainer(c kubernetes.ContainerStatus) (diagnosis, bool) {
	if w := c.State.Waiting; w != nil {
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError":
			return unpulled(c.Image, w.Reason+": "+w.Message), true
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return diagnosis{"ContainerError", w.Reason + ": " + w.Message, "Correct what the job manifest refers to: secrets, config maps, volumes, the command.", report.Error, untilPodWatch}, true
		case "CrashLoopBackOff":
			return diagnosis{"CrashLoopBackOff", w.Message, "Look at the logs of the pod; the manifest's restartPolicy should be Never.", report.Error, untilPodWatch}, true
		}
	}
	t := c.State.Terminated
	if t == nil {
		t = c.LastState.Terminated
	}
	if t == nil {
		return diagnosis{}, false
	}
	switch t.Reason {
	case "OOMKilled":
		return diagnosis{"OOMKilled", fmt.Sprintf("container %s ran out of memory", c.Name), "Raise the job variable memory_limit, or have the flow use less.", report.Error, nil}, true
	case "ContainerCannotRun", "StartError":
		return diagnosis{"CommandError", t.Message, "Correct the command, or the entrypoint and PATH of image " + c.Image + ".", report.Error, nil}, true
	}
	return diagnosis{}, false
}

func unpulled(image, message string) diagnosis {
	resolution := "Check the name of the image and that nodes reach the registry."
	lower := strings.ToLower(message)
	switch {
	case strings.Contains(lower, "unauthorized"), strings.Contains(lower, "denied"), strings.Contains(lower, "forbidden"), strings.Contains(lower, "authentication"):
		resolution = "The registry denied access: add imagePullSecrets to the job manifest or to the service account."
	case strings.Contains(lower, "not found"), strings.Contains(lower, "manifest unknown"):
		resolution = "The registry has no such image or tag."
	}
	return diagnosis{"ImagePullError", fmt.Sprintf("image %s can't be pulled: %s", image, message), resolution, report.Error, untilPodWatch}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
