package core

import "github.com/google/uuid"

// Ref names one object, by its id or by its name, in use cases that take either.
type Ref struct {
	id   uuid.UUID
	name *string
}

// ByID refers to an object by its id.
func ByID(id uuid.UUID) Ref { return Ref{id: id} }

// ByName refers to an object by its name.
func ByName(name string) Ref { return Ref{name: &name} }
