package names

import (
	"fmt"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// Kind is what a name is for.
type Kind string

// The kinds of names. Their values are what messages call them.
const (
	Flow             Kind = "Flow name"
	FlowRun          Kind = "Flow run name"
	TaskRun          Kind = "Task run name"
	Deployment       Kind = "Deployment name"
	WorkPool         Kind = "Work pool name"
	WorkQueue        Kind = "Work queue name"
	ConcurrencyLimit Kind = "Concurrency limit name"
	BlockType        Kind = "Block type name"
	BlockTypeSlug    Kind = "Block type slug"
	BlockDocument    Kind = "Block document name"
	Variable         Kind = "Variable name"
	ArtifactKey      Kind = "Artifact key"
)

// banned are the characters that names may not have because they stand in URLs.
const banned = "/%&><"

const (
	keyLetters      = "abcdefghijklmnopqrstuvwxyz0123456789-"
	maxVariableName = 255
)

// Check tells why the contract does not accept name for a kind of thing, as an *api.Error
// of code invalid, or returns nil. Names of flow runs and task runs are free.
func Check(kind Kind, name string) error {
	switch kind {
	case FlowRun, TaskRun:
		return nil
	case Deployment:
		return checkBanned(kind, name)
	case Flow, WorkQueue, ConcurrencyLimit, BlockType:
		return checkNamed(kind, name)
	case WorkPool:
		return checkNamed(kind, strings.Trim(name, "' \""))
	case BlockDocument:
		if err := checkNamed(kind, name); err != nil {
			return err
		}
		return checkLetters(kind, name, keyLetters, "lowercase letters, numbers, and dashes")
	case BlockTypeSlug, ArtifactKey:
		return checkLetters(kind, name, keyLetters, "lowercase letters, numbers, and dashes")
	case Variable:
		if n := len([]rune(name)); n > maxVariableName {
			return api.Errorf(api.CodeInvalid, "%s must have at most %d characters, not %d", kind, maxVariableName, n)
		}
		return checkLetters(kind, name, keyLetters+"_", "lowercase letters, numbers, and dashes or underscores")
	}
	return fmt.Errorf("unknown kind of name %q", kind)
}

func checkNamed(kind Kind, name string) error {
	if name == "" {
		return api.Errorf(api.CodeInvalid, "%s cannot be an empty string", kind)
	}
	return checkBanned(kind, name)
}

func checkBanned(kind Kind, name string) error {
	if i := strings.IndexAny(name, banned); i >= 0 {
		return api.Errorf(api.CodeInvalid, "%s %q must not contain %q, nor any other of / %% & > <", kind, name, name[i])
	}
	return nil
}

func checkLetters(kind Kind, name, allowed, says string) error {
	if strings.Trim(name, allowed) == "" {
		return nil
	}
	return api.Errorf(api.CodeInvalid, "%s %q must only contain %s", kind, name, says)
}
