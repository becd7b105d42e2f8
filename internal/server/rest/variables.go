package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

var variableRoutes = []route{
	{api.OpCreateVariable, "write_variables", small, createVariable},
	{api.OpReadVariable, "see_variables", small, readVariable},
	{api.OpReadVariableByName, "see_variables", small, readVariable},
	{api.OpReadVariables, "see_variables", small, readVariables},
	{api.OpCountVariables, "see_variables", small, countVariables},
	{api.OpUpdateVariable, "write_variables", small, updateVariable},
	{api.OpUpdateVariableByName, "write_variables", small, updateVariable},
	{api.OpDeleteVariable, "manage_variables", small, deleteVariable},
	{api.OpDeleteVariableByName, "manage_variables", small, deleteVariable},
}

func createVariable(c *core.Core, r *request) (answer, error) {
	var in api.VariableCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	v, err := c.CreateVariable(r.Context(), r.who, &in)
	return give(http.StatusCreated, v, err)
}

func readVariable(c *core.Core, r *request) (answer, error) {
	which, err := r.ref()
	if err != nil {
		return answer{}, err
	}
	v, err := c.Variable(r.Context(), r.who, which)
	return give(http.StatusOK, v, err)
}

func readVariables(c *core.Core, r *request) (answer, error) {
	var in api.ReadVariablesRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	limit, err := api.PageLimit(in.Limit)
	if err != nil {
		return answer{}, err
	}
	list, err := c.Variables(r.Context(), r.who, in.Variables, in.Sort.Or(api.VariableSortNameAsc), limit, in.Offset.Or(0))
	return give(http.StatusOK, list, err)
}

func countVariables(c *core.Core, r *request) (answer, error) {
	var in api.CountVariablesRequest
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	n, err := c.CountVariables(r.Context(), r.who, in.Variables)
	return give(http.StatusOK, n, err)
}

func updateVariable(c *core.Core, r *request) (answer, error) {
	which, err := r.ref()
	if err != nil {
		return answer{}, err
	}
	var in api.VariableUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(c.UpdateVariable(r.Context(), r.who, which, &in))
}

func deleteVariable(c *core.Core, r *request) (answer, error) {
	which, err := r.ref()
	if err != nil {
		return answer{}, err
	}
	return none(c.DeleteVariable(r.Context(), r.who, which))
}
