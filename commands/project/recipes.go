package project

import (
	"path"
	"slices"
)

// recipe is a way to bring code to where it runs: the steps of a prefect.yaml.
type recipe struct {
	name        string
	description string
	inputs      []input // what has to be known
	image       bool    // builds an image, which runs use
	build       []step
	push        []step
	pull        []step
}

// input is something about a project that a recipe needs and nobody but the user knows.
type input struct{ name, question string }

// step is one call of a function of the SDK or its integrations. Values name what is known of the
// project, in double braces, or what an earlier step gives.
type step struct {
	function string
	args     [][2]string
}

// The names of what is known of a project without asking.
const (
	knownName       = "name"
	knownDirectory  = "directory"
	knownDockerfile = "dockerfile"
	knownRepository = "repository"
	knownBranch     = "branch"
)

func recipes() []recipe {
	local := recipe{name: "local", description: "the code stays in this directory", pull: []step{workingDirectory("{{ directory }}")}}
	git := recipe{
		name: "git", description: "the code is cloned from git",
		pull: []step{{"prefect.deployments.steps.git_clone", [][2]string{
			{knownRepository, "{{ repository }}"}, {knownBranch, "{{ branch }}"}, {"access_token", ""},
		}}},
	}
	plain := []recipe{
		local, git,
		bucket("s3", "prefect_aws.deployments.steps", "s3", "prefect-aws>=0.3.4", "bucket"),
		bucket("gcs", "prefect_gcp.deployments.steps", "gcs", "prefect-gcp>=0.4.3", "bucket"),
		bucket("azure", "prefect_azure.deployments.steps", "azure_blob_storage", "prefect-azure[blob_storage]>=0.2.8", "container"),
	}
	all := slices.Clone(plain)
	for _, r := range plain {
		all = append(all, inImage(r))
	}
	return all
}

func workingDirectory(directory string) step {
	return step{"prefect.deployments.steps.set_working_directory", [][2]string{{knownDirectory, directory}}}
}

// bucket keeps the code in an object store.
func bucket(name, module, service, requires, noun string) recipe {
	return recipe{
		name: name, description: "the code is kept in a " + noun + " of " + name,
		inputs: []input{{noun, "Which " + noun + " is to keep the code?"}},
		push: []step{{module + ".push_to_" + service, [][2]string{
			{"id", "push_code"}, {"requires", requires}, {noun, "{{ " + noun + " }}"}, {"folder", "{{ name }}"},
		}}},
		pull: []step{{module + ".pull_from_" + service, [][2]string{
			{"id", "pull_code"}, {"requires", requires}, {noun, "{{ push_code." + noun + " }}"}, {"folder", "{{ push_code.folder }}"},
		}}},
	}
}

// inImage is a recipe whose runs use an image that is built for them.
func inImage(r recipe) recipe {
	const requires = "prefect-docker>=0.3.1"
	if r.name == "local" {
		r = recipe{name: "docker", description: "the code is in an image", pull: []step{workingDirectory(path.Join("/opt/prefect", "{{ folder }}"))}}
	} else {
		r.name, r.description = "docker-"+r.name, r.description+" and runs in an image"
	}
	r.image = true
	r.inputs = append([]input{
		{"image_name", "What is the image called, with its registry?"},
		{"tag", "Which tag is it to have?"},
	}, r.inputs...)
	r.build = []step{{"prefect_docker.deployments.steps.build_docker_image", [][2]string{
		{"id", "build_image"}, {"requires", requires}, {"image_name", "{{ image_name }}"}, {"tag", "{{ tag }}"}, {knownDockerfile, "{{ dockerfile }}"},
	}}}
	r.push = append([]step{{"prefect_docker.deployments.steps.push_docker_image", [][2]string{
		{"requires", requires}, {"image_name", "{{ build_image.image_name }}"}, {"tag", "{{ build_image.tag }}"},
	}}}, r.push...)
	return r
}
