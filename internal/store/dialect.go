package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Kind is what a store is kept in.
type Kind string

// The kinds.
const (
	SQLite     Kind = "sqlite"
	PostgreSQL Kind = "postgres"
)

// dialect is what is particular to one database.
type dialect interface {
	// open returns a handle. It connects to nothing.
	open(place string) (*sql.DB, error)
	// renew drops connections to a file that is not the store's any more. stat returns the file; nil where there is none.
	renew(ctx context.Context, db *sql.DB, place string) error
	stat(place string) (os.FileInfo, error)
	// name is the place without a password.
	name(place string) string
	// passing reports whether an error may go away by itself.
	passing(err error) bool
	// full reports whether an error says that there is no room on the disk, for this process or at all.
	full(err error) bool
	// whole says whether what is in the place can be read from end to end, where that is not the database's own care; nil where
	// there is nothing.
	whole(ctx context.Context, db *sql.DB, place string) error
	// advised adds to an error what to do about it, where that is known.
	advised(err error) error
	// bind writes a query's parameters, which are ?, as the database wants them, and {lock} as what locks a row that is read.
	bind(query string) string
	// schema writes a table's definition, where {blob} stands for the type of bytes.
	schema(text string) string
	// there is a query for whether the table store is there.
	there() string
	// timeline names the history that the database goes on with: another one since a standby took over, or the database was
	// restored to an earlier moment. Empty where it does not tell.
	timeline(ctx context.Context, x *tx) (string, error)
	// turn is a statement that waits until no other transaction makes tables; empty where a transaction is alone anyway.
	turn() string
}

func dialectOf(k Kind) (dialect, error) {
	switch k {
	case SQLite:
		return sqlite{}, nil
	case PostgreSQL:
		return postgres{}, nil
	}
	return nil, fmt.Errorf("store %q: it is %s or %s", k, SQLite, PostgreSQL)
}

// numbered writes the parameters of a query as $1, $2 and so on.
func numbered(query string) string {
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}
