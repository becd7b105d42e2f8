// Package jobtemplate turns a work pool's base job template and the variables of a
// deployment and a flow run into the job that a worker starts. It also owns the template
// language that job templates and prefect.yaml share: {{ name }}, {{ $ENV }},
// {{ prefect.blocks.… }} and {{ prefect.variables.… }}.
//
// Templates are JSON trees: nil, bool, int64, api.Float, string, []any, map[string]any,
// and jsontext.Value for integers that int64 cannot hold. Nothing here does I/O: readers of
// blocks, variables and the environment are arguments.
package jobtemplate
