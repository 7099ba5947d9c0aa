package guard

import "fmt"

// Verdict is what the end of an attempt tells about the sign-in it carried.
// The dialect reads it off the PSA's answer; the guard settles by it.
type Verdict uint8

// The verdicts. NoAnswer is the zero value: whoever forgets to classify has proved nothing.
const (
	// NoAnswer: the request may have reached the PSA, and nothing that the PSA alone could have said came back.
	// The sign-in may have failed, and may still be judged.
	NoAnswer Verdict = iota
	// NotSent: proven that no byte of the request went out.
	NotSent
	// Neutral: an answer of the PSA that a failed sign-in never gets, to a call that proves no successful one.
	Neutral
	// Accepted: the PSA counted a successful sign-in. Nothing else forgives.
	Accepted
	// Refused: the PSA counted a failed sign-in.
	Refused
	// Locked: the PSA says that the login is locked; counted as a failed sign-in.
	Locked
)

var verdictWords = [...]string{"no-answer", "not-sent", "neutral", "accepted", "refused", "locked"}

// String returns the word that logs, metrics and status use.
func (v Verdict) String() string {
	if int(v) < len(verdictWords) {
		return verdictWords[v]
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}
