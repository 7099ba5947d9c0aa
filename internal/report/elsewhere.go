package report

import "fmt"

// Several processes with one store of the guard may read different secrets: files whose contents differ, or a record that one
// of them has read anew and the others have not. And a process knows nothing any more of what only its last start had read. The
// tables then name credentials that this process has no secret of, by versions that others counted. Which of the causes it is
// nobody can tell, so what is said is true of both.

// elsewhere names who has read what this process has not.
const elsewhere = "another replica (or of this one before a restart)"

// called names a credential, and who has read it where that was not this process.
func (c CredentialStatus) called() string {
	if c.Elsewhere {
		return fmt.Sprintf("version %d of %s", c.Version, elsewhere)
	}
	return fmt.Sprintf("version %d", c.Version)
}

// apart reports whether this process's store does not have both what serves and what is newest, though another's has.
func apart(serving, newest *CredentialStatus) bool {
	return serving != nil && newest != nil && (serving.Elsewhere || newest.Elsewhere)
}

// adviseOnApart says what to do where the newest was refused, and one of the two is not this process's.
func adviseOnApart(serving, newest CredentialStatus) string {
	return fmt.Sprintf("Give all replicas the same secret: %s was refused, and %s serves on.", newest.called(), serving.called())
}

// sentWith reports whether an attempt was made with a credential. Its version alone does not tell where processes count
// versions each for itself, and each anew at its start: what failed before the store gave the credential was another one.
func (a FailedAttempt) sentWith(c *CredentialStatus) bool {
	if a.Credential != "" && c.Fingerprint != "" {
		return a.Credential == c.Fingerprint
	}
	return a.Version == c.Version && !a.At.Before(c.Since)
}

// severalOf reports whether more than one credential goes by a version's number.
func (l *LoginFailures) severalOf(version uint64) bool {
	if version == 0 {
		return false
	}
	var known []string
	for _, c := range [...]*CredentialStatus{l.Serving, l.Newest} {
		if c != nil && c.Version == version {
			known = also(known, c.Fingerprint)
		}
	}
	for i := range l.Attempts {
		if a := &l.Attempts[i]; a.Version == version && !a.OtherUser {
			known = also(known, a.Credential)
		}
	}
	return len(known) > 1
}
