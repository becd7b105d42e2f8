package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var templateRoutes = []route{
	{api.OpValidateTemplate, "see_automations", small, validateTemplate},
	{api.OpValidateTemplateInAutomations, "see_automations", small, validateTemplate},
}

func validateTemplate(c *core.Core, r *request) (answer, error) {
	source := ""
	if r.ContentLength != 0 {
		if err := r.decode(&source); err != nil {
			return answer{}, err
		}
	}
	if problem := c.ValidateTemplate(source); problem != nil {
		return answer{http.StatusUnprocessableEntity, map[string]*core.TemplateProblem{"error": problem}}, nil
	}
	return none(nil)
}
