// Package dialect is the line between the store and its databases: what a database
// must be able to do (Engine, Session, Cells), the pieces of SQL that differ between
// the two (SQL), and the errors every engine answers with. The engines themselves are
// the packages sqlite and postgres below this one.
//
// Nothing outside this folder may ask which database it is talking to.
package dialect

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Engine runs transactions on one database.
type Engine interface {
	// Write runs fn in a transaction and returns nil once its effects are durable.
	// fn may run more than once.
	Write(ctx context.Context, scope Scope, fn func(Session) error) error
	// Read runs fn on one consistent snapshot. fn must not write.
	Read(ctx context.Context, scope Scope, fn func(Session) error) error
	// Migrate runs fn in a transaction that excludes every other migration of the
	// same database, in this process or another one.
	Migrate(ctx context.Context, fn func(Session) error) error
	// Alone runs fn unless another process runs one of that name, and says whether it did.
	Alone(ctx context.Context, name string, fn func() error) (ran bool, err error)
	// Describe names the database in messages, without any secret.
	Describe() string
	// Close waits for the running transactions and lets the database go.
	Close() error
}

// Scope is which rows of workspaces a transaction sees and changes in a database that
// guards them itself. The zero Scope sees none.
type Scope struct {
	Workspace *UUID
	// Across opens the tables that say who may do what in the workspaces of an account,
	// whatever workspace their rows belong to.
	Across bool
}

// Walled is an Engine that may have a wall between workspaces.
type Walled interface {
	// Wall says why the database does not keep workspaces apart for us; "" if it does.
	Wall(ctx context.Context) (gap string, err error)
}

// Messenger is an Engine whose database carries short texts between the processes that
// work on it. Nothing keeps them: who is not listening misses them.
type Messenger interface {
	// Notify sends texts of up to MaxText bytes to all that listen, the sender too.
	Notify(ctx context.Context, texts []string) error
	// Listen calls heard for each text that is sent after ready was called. It returns
	// when the connection is lost or ctx ends.
	Listen(ctx context.Context, ready func(), heard func(text string)) error
}

// Indexer is an Engine that makes and drops indexes of tables that others write to.
type Indexer interface {
	// Index executes a statement that makes or drops an index, outside of any transaction.
	// After a failure it may be called again: what is half made is made anew.
	Index(ctx context.Context, name, sql string) error
}

// Copier is an Engine whose database is a file that can be copied while it is in use.
type Copier interface {
	// Copy writes the database, as it is at one moment, to a file that does not exist.
	Copy(file string) error
	// Check reads all of it and says what is damaged.
	Check() error
}

// MaxText bounds a text that a Messenger carries.
const MaxText = 7900

// Viewer reads a database of another program.
type Viewer interface {
	// Read runs fn on one consistent snapshot. fn must not write.
	Read(ctx context.Context, fn func(Session) error) error
	// Describe names the database in messages, without any secret.
	Describe() string
	// Close lets the database go.
	Close() error
}

// Session executes statements in one transaction. Arguments are nil, int64, float64,
// bool, string, []byte, UUID and JSON. It serves one statement at a time.
type Session interface {
	Exec(sql string, args []any) (rows int64, err error)
	Query(sql string, args []any, each func(Cells) error) error
	// Inserted is the number (seq) of the last row that this session inserted into a table
	// that has them, where SQL.Returns is false; elsewhere 0.
	Inserted() int64
	// Enter goes on in another scope until the transaction ends.
	Enter(scope Scope) error
	// Script executes several statements without arguments.
	Script(sql string) error
	// Tables lists the tables of the database.
	Tables() ([]string, error)
}

// Cells reads the columns of one row, counted from 0. A value is valid for as long as
// its caller wants; the Cells only until the callback returns. A column of another
// type than asked for is an error.
type Cells interface {
	Len() int
	Null(i int) bool
	Int(i int) (int64, error)
	Float(i int) (float64, error)
	Bool(i int) (bool, error)
	Text(i int) (string, error)
	Bytes(i int) ([]byte, error)
	// View is Bytes without a copy, until the callback returns.
	View(i int) ([]byte, error)
	UUID(i int) (UUID, error)
}

// UUID is an id as argument or cell.
type UUID = uuid.UUID

// JSON is JSON text as argument.
type JSON = jsontext.Value

// The ways in which a database refuses a row.
var (
	ErrConflict   = errors.New("a row with the same unique value exists")
	ErrForeignKey = errors.New("the row refers to, or is referred to by, another row")
)

// ConstraintError says which constraint refused a row; Kind is ErrConflict or
// ErrForeignKey. Constraint is empty where the database does not tell.
type ConstraintError struct {
	Kind       error
	Constraint string
	Cause      error
}

// Error names the constraint.
func (e *ConstraintError) Error() string {
	if e.Constraint == "" {
		return fmt.Sprintf("%v: %v", e.Kind, e.Cause)
	}
	return fmt.Sprintf("%v (%s): %v", e.Kind, e.Constraint, e.Cause)
}

// Unwrap makes the error match its kind and its cause.
func (e *ConstraintError) Unwrap() []error { return []error{e.Kind, e.Cause} }

// TypeError is the error of a column that holds another type than asked for.
func TypeError(i int, want, got string) error {
	return fmt.Errorf("column %d holds %s, not %s", i+1, got, want)
}
