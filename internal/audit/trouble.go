package audit

// Trouble is something that an operator should know at once.
type Trouble struct {
	// What went wrong, or is well again.
	What TroubleKind
	// Err is why; nil where it is well again.
	Err error
	// Lost is how many entries are not in the log.
	Lost uint64
}

// TroubleKind is a kind of trouble.
type TroubleKind string

// The kinds of trouble.
const (
	// WriteFailed: the output takes no lines; Written: it does again.
	WriteFailed TroubleKind = "write-failed"
	Written     TroubleKind = "written"
	// EntriesLost: entries are not in the log. It is told at the first of them, with Lost 0, and when their number is known.
	EntriesLost TroubleKind = "entries-lost"
	// AnchorFailed: heads are not anchored, so the tail that could be cut off unseen grows; Anchored: they are again.
	AnchorFailed TroubleKind = "anchor-failed"
	Anchored     TroubleKind = "anchored"
)
