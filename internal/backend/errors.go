package backend

import (
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/model"
)

// The errors of every port. Adapters wrap them with what they know; callers use errors.Is.
var (
	// ErrNotFound: there is no such record.
	ErrNotFound = errors.New("not found")
	// ErrGone: there was one; it was deleted.
	ErrGone = errors.New("deleted")
	// ErrConflict: a conditional write found another version, or the record exists already.
	ErrConflict = errors.New("conflict")
	// ErrFenced: the lease or the incarnation is no longer held.
	ErrFenced = errors.New("fenced")
	// ErrUnavailable: the backend could not be reached or did not finish; trying again later is right.
	ErrUnavailable = errors.New("backend unavailable")
	// ErrClosed: the backend was closed.
	ErrClosed = errors.New("backend closed")
	// ErrInvalid: the query or the record is wrong; trying again is not right.
	ErrInvalid = errors.New("invalid")
)

// RejectedError says that one entity's transition can never be stored as it is.
type RejectedError struct {
	Of    model.Entity
	Cause error
}

// Error tells why.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("transition of %s refused: %v", e.Of.ID, e.Cause)
}

// Unwrap returns the cause.
func (e *RejectedError) Unwrap() error { return e.Cause }
