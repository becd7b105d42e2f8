package api

import "github.com/google/uuid"

// PlacedAutomation is an automation with where it is, as the hosted service's operations
// answer it.
type PlacedAutomation struct {
	Automation Automation `json:",embed"`
	Account    uuid.UUID  `json:"account"`
	Workspace  uuid.UUID  `json:"workspace"`
}
