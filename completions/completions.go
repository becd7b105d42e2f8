// Package completions holds the scripts that complete usher's commands in a
// shell, as packages install them. `usher completion <shell>` prints the same.
package completions

//go:generate sh -c "go run ../cmd/usher completion bash > usher.bash"
//go:generate sh -c "go run ../cmd/usher completion zsh > _usher"
//go:generate sh -c "go run ../cmd/usher completion fish > usher.fish"
//go:generate sh -c "go run ../cmd/usher completion powershell > usher.ps1"

import "embed"

// Scripts are the files, by their usual names.
//
//go:embed usher.bash _usher usher.fish usher.ps1
var Scripts embed.FS
