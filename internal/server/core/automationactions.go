package core

import (
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/automation"
)

// checkActions compares the job variables of every run that the actions start with what
// the deployment's pool allows. Without job variables a deployment need not even exist.
func (w *work) checkActions(actions []automation.Action) error {
	var problems []string
	for _, a := range actions {
		if a.Type != automation.RunDeployment || a.Target == nil || a.JobVariables.Kind() != '{' || isEmptyObject(a.JobVariables) {
			continue
		}
		err := w.checkAction(*a.Target, &a)
		var refused *api.Error
		switch {
		case err == nil:
		case errors.As(err, &refused) && refused.Code == api.CodeInvalid:
			problems = append(problems, refused.Message)
		default:
			return err
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return api.Errorf(api.CodeInvalid, "Error creating automation: %s", strings.Join(problems, " "))
}

func (w *work) checkAction(deployment uuid.UUID, a *automation.Action) error {
	d, err := w.knownDeployment(deployment, "Deployment not found.")
	if err != nil {
		return err
	}
	if d.WorkPoolName == nil {
		return nil
	}
	p, err := w.WorkPool(*d.WorkPoolName)
	if err != nil {
		return err
	}
	return reworded(w.checkJobVariables(p.BaseJobTemplate, true, d.JobVariables, a.JobVariables), api.CodeInvalid, "")
}
