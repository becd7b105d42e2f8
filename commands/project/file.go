package project

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/usherhq/usher/internal/build"
)

// prefectFile writes the prefect.yaml of a project.
func prefectFile(r recipe, known map[string]string) string {
	file := &strings.Builder{}
	file.WriteString("# How the flows of this project are deployed: usher deploy --all\n\n")
	fmt.Fprintf(file, "name: %s\nprefect-version: %s\n\n", scalar(known[knownName]), build.ReferenceVersion)
	writeSteps(file, "What makes an image or other things before the code is pushed.", "build", r.build, known)
	writeSteps(file, "What brings images and code to where runs find them.", "push", r.push, known)
	writeSteps(file, "What gets the code when a run starts.", "pull", r.pull, known)
	file.WriteString(deploymentsHead)
	if r.image {
		file.WriteString("      job_variables:\n        image: '{{ build_image.image }}' # what the build step makes\n")
	} else {
		file.WriteString("      job_variables: {}\n")
	}
	return file.String()
}

const deploymentsHead = `# One entry per deployment; fill in this one, copy it for more.
deployments:
  - name: null # usher deploy -n <name>
    entrypoint: null # path/to/file.py:flow
    description: null
    version: null
    tags: []
    parameters: {}
    schedules: []
    work_pool:
      name: null # usher work-pool ls
      work_queue_name: null
`

func writeSteps(file *strings.Builder, comment, key string, steps []step, known map[string]string) {
	fmt.Fprintf(file, "# %s\n", comment)
	if len(steps) == 0 {
		fmt.Fprintf(file, "%s: null\n\n", key)
		return
	}
	fmt.Fprintf(file, "%s:\n", key)
	for _, s := range steps {
		fmt.Fprintf(file, "  - %s:\n", s.function)
		for _, arg := range s.args {
			fmt.Fprintf(file, "      %s: %s\n", arg[0], scalar(fill(arg[1], known)))
		}
	}
	file.WriteString("\n")
}

// fill puts in what is known. The rest stays a template: an earlier step's result, or what
// the user has yet to say.
func fill(template string, known map[string]string) string {
	for name, value := range known {
		template = strings.ReplaceAll(template, "{{ "+name+" }}", value)
	}
	return template
}

// scalar is a text as YAML has it on one line; nothing is null.
func scalar(text string) string {
	if text == "" {
		return "null"
	}
	quoted, err := yaml.Marshal(text)
	if err != nil || strings.Count(string(quoted), "\n") > 1 {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSuffix(string(quoted), "\n")
}

// ignoreFile are patterns of what no run needs.
const ignoreFile = `# What is not taken along when code is pushed; the patterns are those of .gitignore.
.prefectignore
.git/

# of Python
__pycache__/
*.py[cod]
*.egg-info/
.ipynb_checkpoints/
.mypy_cache/
.pytest_cache/
.ruff_cache/

# environments and their secrets
.env
.venv/
venv/
node_modules/

# of desktops
.DS_Store
`
