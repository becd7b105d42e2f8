package docker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker/report"
)

// ofConfig and ofHost are arguments of the Python client's create call whose values the API
// takes as they are, by their names in the API.
var (
	ofConfig = map[string]string{
		"user": "User", "working_dir": "WorkingDir", "hostname": "Hostname", "domainname": "Domainname", "tty": "Tty", "stdin_open": "OpenStdin",
		"stop_signal": "StopSignal", "stop_timeout": "StopTimeout", "mac_address": "MacAddress",
	}
	ofHost = map[string]string{
		"blkio_weight": "BlkioWeight", "cap_add": "CapAdd", "cap_drop": "CapDrop", "cgroup_parent": "CgroupParent", "cgroupns": "CgroupnsMode",
		"cpu_count": "CpuCount", "cpu_percent": "CpuPercent", "cpu_period": "CpuPeriod", "cpu_quota": "CpuQuota", "cpu_shares": "CpuShares",
		"cpuset_cpus": "CpusetCpus", "cpuset_mems": "CpusetMems", "device_cgroup_rules": "DeviceCgroupRules", "dns": "Dns", "dns_opt": "DnsOptions",
		"dns_search": "DnsSearch", "group_add": "GroupAdd", "init": "Init", "ipc_mode": "IpcMode", "isolation": "Isolation", "links": "Links",
		"mem_swappiness": "MemorySwappiness", "nano_cpus": "NanoCpus", "oom_kill_disable": "OomKillDisable", "oom_score_adj": "OomScoreAdj",
		"pid_mode": "PidMode", "pids_limit": "PidsLimit", "publish_all_ports": "PublishAllPorts", "read_only": "ReadonlyRootfs", "runtime": "Runtime",
		"security_opt": "SecurityOpt", "storage_opt": "StorageOpt", "sysctls": "Sysctls", "userns_mode": "UsernsMode", "uts_mode": "UTSMode",
		"volume_driver": "VolumeDriver", "volumes_from": "VolumesFrom",
	}
	sizes = map[string]string{"shm_size": "ShmSize", "mem_reservation": "MemoryReservation"}
	// members are the fields of the job, which win over arguments of the same meaning, and
	// "platform", which is no part of the body.
	members = []string{
		"image", "command", "environment", "name", "labels", "network", "network_mode", "networks", "auto_remove", "remove", "mem_limit",
		"memswap_limit", "privileged", "detach", "stdout", "stderr", "stream", "platform",
	}
)

// extend adds what container_create_kwargs say to the body of the create request.
func extend(config, host, extra map[string]any, log func(int, string)) error {
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		value := extra[key]
		if value == nil || slices.Contains(members, key) {
			continue
		}
		if err := extendBy(config, host, key, value, log); err != nil {
			return api.Errorf(api.CodeInvalid, "container_create_kwargs.%s: %w", key, err)
		}
	}
	return nil
}

func extendBy(config, host map[string]any, key string, value any, log func(int, string)) (err error) {
	if name := ofConfig[key]; name != "" {
		config[name] = value
		return nil
	}
	if name := ofHost[key]; name != "" {
		host[name] = value
		return nil
	}
	if name := sizes[key]; name != "" {
		host[name], err = sizeOf(value)
		return err
	}
	switch key {
	case "volumes":
		log(report.Warning, "container_create_kwargs.volumes is ignored; use the job variable volumes")
	case "entrypoint":
		config["Entrypoint"], err = words(value)
	case "cpus":
		host["NanoCpus"], err = nano(value)
	case "extra_hosts":
		hosts, _ := host["ExtraHosts"].([]string)
		host["ExtraHosts"] = append(hosts, pairs(value, ":")...)
	case "tmpfs":
		host["Tmpfs"] = mounted(value)
	case "ulimits":
		host["Ulimits"], err = objects(value, nil)
	case "devices":
		host["Devices"], err = devices(value)
	case "device_requests":
		host["DeviceRequests"], err = objects(value, map[string]string{"device_ids": "DeviceIDs"})
	case "mounts":
		host["Mounts"], err = objects(value, map[string]string{"read_only": "ReadOnly"})
	case "restart_policy":
		host["RestartPolicy"], err = renamed(value, nil)
	case "log_config":
		host["LogConfig"], err = renamed(value, nil)
	case "healthcheck":
		config["Healthcheck"], err = renamed(value, map[string]string{"start_period": "StartPeriod"})
	case "ports":
		return ports(config, host, value)
	default:
		return fmt.Errorf("it is not known; the arguments are %s", strings.Join(known(), ", "))
	}
	return err
}

func known() []string {
	names := []string{
		"entrypoint", "cpus", "extra_hosts", "tmpfs", "ulimits", "devices", "device_requests", "mounts", "restart_policy", "log_config",
		"healthcheck", "ports", "platform",
	}
	for _, table := range []map[string]string{ofConfig, ofHost, sizes} {
		names = slices.AppendSeq(names, maps.Keys(table))
	}
	slices.Sort(names)
	return names
}

// words is a command as a list, however it is written.
func words(value any) ([]string, error) {
	if line, ok := value.(string); ok {
		return jobtemplate.Split(line)
	}
	items, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("want text or a list, got %s", jobtemplate.Text(value))
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = jobtemplate.Text(item)
	}
	return out, nil
}

func nano(value any) (int64, error) {
	const perCPU = 1e9
	switch v := value.(type) {
	case int64:
		return v * perCPU, nil
	case api.Float:
		return int64(float64(v) * perCPU), nil
	}
	return 0, fmt.Errorf("want a number, got %s", jobtemplate.Text(value))
}

// pairs are members of an object, or items of a list as they are.
func pairs(value any, between string) []string {
	var out []string
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, name+between+jobtemplate.Text(v[name]))
		}
	case []any:
		for _, item := range v {
			out = append(out, jobtemplate.Text(item))
		}
	}
	return out
}

// mounted is an object of mount options by path, which may be written as a list.
func mounted(value any) map[string]any {
	if object, ok := value.(map[string]any); ok {
		return object
	}
	out := map[string]any{}
	for _, item := range pairs(value, "") {
		path, options, _ := strings.Cut(item, ":")
		out[path] = options
	}
	return out
}

// renamed gives an object's members their names in the API: Name for name.
func renamed(value any, special map[string]string) (map[string]any, error) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want an object, got %s", jobtemplate.Text(value))
	}
	out := map[string]any{}
	for name, v := range object {
		switch {
		case special[name] != "":
			name = special[name]
		case name != "":
			name = strings.ToUpper(name[:1]) + name[1:]
		}
		out[name] = v
	}
	return out, nil
}

func objects(value any, special map[string]string) ([]map[string]any, error) {
	items, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("want a list, got %s", jobtemplate.Text(value))
	}
	out := make([]map[string]any, len(items))
	for i, item := range items {
		object, err := renamed(item, special)
		if err != nil {
			return nil, err
		}
		out[i] = object
	}
	return out, nil
}

// devices are written host[:container[:permissions]].
func devices(value any) ([]map[string]any, error) {
	var out []map[string]any
	for _, item := range pairs(value, "") {
		parts := strings.SplitN(item, ":", 3)
		device := map[string]any{"PathOnHost": parts[0], "PathInContainer": parts[0], "CgroupPermissions": "rwm"}
		if len(parts) > 1 {
			device["PathInContainer"] = parts[1]
		}
		if len(parts) > 2 {
			device["CgroupPermissions"] = parts[2]
		}
		out = append(out, device)
	}
	if out == nil {
		return nil, fmt.Errorf("want a list, got %s", jobtemplate.Text(value))
	}
	return out, nil
}

// ports publishes the container's ports: {"8080/tcp": 80}, null for any, [host, port], or a list.
func ports(config, host map[string]any, value any) error {
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("want an object such as {\"8080/tcp\": 80}, got %s", jobtemplate.Text(value))
	}
	exposed, bound := map[string]any{}, map[string]any{}
	for port, at := range object {
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		exposed[port] = map[string]any{}
		binding := map[string]any{"HostPort": ""}
		switch at := at.(type) {
		case nil:
		case []any:
			if len(at) != 2 {
				return fmt.Errorf("port %s: want [host, port]", port)
			}
			binding["HostIp"], binding["HostPort"] = jobtemplate.Text(at[0]), jobtemplate.Text(at[1])
		default:
			binding["HostPort"] = jobtemplate.Text(at)
		}
		bound[port] = []any{binding}
	}
	config["ExposedPorts"], host["PortBindings"] = exposed, bound
	return nil
}
