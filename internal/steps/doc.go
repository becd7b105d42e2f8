// Package steps runs the steps of prefect.yaml files and deployments: what happens before a
// deployment (build, push) and before a run (pull). The common steps are built in; any other
// is a Python callable and runs in the user's interpreter.
package steps
