package deploy

import (
	"path/filepath"
	"strings"

	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

const (
	setWorkingDirectory = "prefect.deployments.steps.set_working_directory"
	buildDockerImage    = "prefect_docker.deployments.steps.build_docker_image"
	imageRoot           = "/opt/prefect"
)

// defaultPull is where the flow's code is when the file does not say: in the image that a
// step builds, in an image that was named, or here.
func (d *Deployer) defaultPull(p *plan) []any {
	for _, step := range p.build {
		object, _ := step.(map[string]any)
		if args, ok := object[buildDockerImage]; ok {
			if dockerfile, _ := jobtemplate.Lookup(args, "dockerfile"); dockerfile == "auto" {
				return workingDirectory(imageRoot + "/" + filepath.Base(d.Dir))
			}
			return nil
		}
	}
	variables, _ := p.config.object("work_pool")["job_variables"].(map[string]any)
	if truthy(variables["image"]) {
		d.Warn("The code is taken from '" + imageRoot + "' in the image. If it is elsewhere, add a set_working_directory pull step to your prefect.yaml.")
		return workingDirectory(imageRoot)
	}
	source := d.Dir
	if file, _, ok := strings.Cut(p.config.Entrypoint(), ":"); ok {
		source = filepath.Join(d.Dir, file)
	}
	d.Say("Your workers will attempt to load your flow from: " + source)
	return workingDirectory(d.Dir)
}

func workingDirectory(dir string) []any {
	return []any{map[string]any{setWorkingDirectory: map[string]any{"directory": dir}}}
}
