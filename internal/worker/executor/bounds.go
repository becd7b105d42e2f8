package executor

import (
	"strconv"
	"strings"
	"time"
)

// Bounds are what runs of managed pools are kept within.
type Bounds struct {
	Images  []string      // what the name of an image must begin with
	Network string        // of containers, in the engine's words
	Memory  string        // of a run, such as 16g
	CPUs    float64       // of a run
	Longest time.Duration // that a run may take; 0 means no bound
}

// Containers is the configuration of runs in containers of an engine.
func Containers(image string, b Bounds) map[string]any {
	return map[string]any{
		"image": image, "network_mode": b.Network, "auto_remove": true, "mem_limit": b.Memory, "memswap_limit": b.Memory,
		"container_create_kwargs": map[string]any{
			"nano_cpus": int64(b.CPUs * 1e9), "pids_limit": pidsLimit, "cap_drop": []any{"ALL"}, "security_opt": []any{"no-new-privileges"},
		},
	}
}

// pidsLimit bounds the processes of a run.
const pidsLimit = 4096

// podPatience is how long the pod of a managed run may take to start, in seconds.
const podPatience = 300

// Jobs is the configuration of runs that are jobs in a namespace of a cluster. What they reach
// is for the namespace's network policies.
func Jobs(namespace string) func(image string, b Bounds) map[string]any {
	return func(image string, b Bounds) map[string]any {
		asked := map[string]any{"cpu": strconv.FormatFloat(b.CPUs, 'f', -1, 64), "memory": quantity(b.Memory)}
		container := map[string]any{
			"name": "prefect-job", "image": image, "resources": map[string]any{"limits": asked, "requests": asked},
			"securityContext": map[string]any{
				"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}}, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
			},
		}
		pod := map[string]any{
			"restartPolicy": "Never", "parallelism": int64(1), "completions": int64(1), "automountServiceAccountToken": false, "enableServiceLinks": false, "containers": []any{container},
		}
		return map[string]any{
			"image": image, "namespace": namespace, "pod_watch_timeout_seconds": int64(podPatience),
			"job_manifest": map[string]any{
				"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{},
				"spec": map[string]any{
					"backoffLimit": int64(0), "ttlSecondsAfterFinished": int64(podPatience),
					"template": map[string]any{"spec": pod},
				},
			},
		}
	}
}

// quantity is a size such as 16g in Kubernetes' words.
func quantity(size string) string {
	lower := strings.TrimSuffix(strings.ToLower(size), "b")
	if unit := strings.TrimLeft(lower, "0123456789."); unit != "" {
		return strings.TrimSuffix(lower, unit) + strings.ToUpper(unit[:1]) + "i"
	}
	return lower
}
