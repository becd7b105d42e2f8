// Package parameters checks the parameters of flow runs and the job variables of work
// pools against their schemas, and fills the placeholders in them. The schemas are those
// that pydantic writes, old releases of it included, so they are read with the leniency
// of the reference.
package parameters
