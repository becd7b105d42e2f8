package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// shellPackages are the Debian packages of the shells, with what completion needs in them.
var shellPackages = map[string][]string{"bash": {"bash", "bash-completion"}, "zsh": {"zsh"}, "fish": {"fish"}}

var installing sync.Mutex

// shell puts a shell beside the script's programs, and installs it first where it is missing: a
// shell that is neither there nor to be had fails the test.
func shell(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || shellPackages[args[0]] == nil {
		ts.Fatalf("usage: shell bash|zsh|fish")
	}
	installing.Lock()
	defer installing.Unlock()
	path, err := exec.LookPath(args[0])
	if args[0] == "bash" && err == nil {
		_, err = os.Stat("/usr/share/bash-completion/bash_completion")
	}
	if err != nil {
		out, installErr := exec.Command("apt-get", append([]string{"install", "-y", "--no-install-recommends"}, shellPackages[args[0]]...)...).CombinedOutput() //nolint:gosec,noctx // names from above
		if installErr != nil {
			ts.Fatalf("%s is needed for this test, and installing it failed: %v\n%s", args[0], installErr, out)
		}
		path, err = exec.LookPath(args[0])
	}
	ts.Check(err)
	ts.Check(os.Symlink(path, filepath.Join(ts.MkAbs("bin"), args[0])))
}
