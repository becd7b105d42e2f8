// Package build says which program this is: its version, the commit it was made
// from and the platform it runs on.
package build

import (
	"runtime"
	"runtime/debug"
)

// Set by the linker: -ldflags "-X github.com/usherhq/usher/internal/build.version=1.2.3".
// Nothing else writes them.
var (
	version = "0.1.0-dev"
	commit  = ""
	date    = ""
)

// APIVersion is the version of the Prefect API contract that this build speaks.
const APIVersion = "0.8.4"

// ReferenceVersion is the Prefect release whose behaviour this build follows.
const ReferenceVersion = "3.8.3"

// Info describes the running binary.
type Info struct {
	Version    string `json:"version"`
	APIVersion string `json:"api_version"`
	Reference  string `json:"prefect_version"`
	Commit     string `json:"git_commit"`
	Built      string `json:"built"`
	Go         string `json:"go_version"`
	Platform   string `json:"platform"`
}

// Version returns the bare version number.
func Version() string { return version }

// Read collects everything known about the binary; what is not known is "".
func Read() Info {
	info := Info{
		Version:    version,
		APIVersion: APIVersion,
		Reference:  ReferenceVersion,
		Commit:     commit,
		Built:      date,
		Go:         runtime.Version(),
		Platform:   runtime.GOOS + "/" + runtime.GOARCH,
	}
	if recorded, ok := debug.ReadBuildInfo(); ok {
		info.fill(recorded.Settings)
	}
	return info
}

// fill takes from the toolchain's record what the linker was not told.
func (i *Info) fill(settings []debug.BuildSetting) {
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision" && i.Commit == "":
			i.Commit = s.Value
		case s.Key == "vcs.time" && i.Built == "":
			i.Built = s.Value
		}
	}
}

// Module is one dependency compiled into the binary.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum"`
}

// Modules lists the dependencies with their checksums.
func Modules() []Module {
	recorded, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	modules := make([]Module, 0, len(recorded.Deps))
	for _, m := range recorded.Deps {
		modules = append(modules, Module{Path: m.Path, Version: m.Version, Sum: m.Sum})
	}
	return modules
}
