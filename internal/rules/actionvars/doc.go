// Package actionvars makes what the templates in actions of automations can name: events
// with their resources and labels, and objects of the API, seen as the reference's
// templates see them.
package actionvars
