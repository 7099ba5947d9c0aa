package report

// Call is what one call turned out to be, for placeholders and logs. What is not known is empty.
type Call struct {
	// Integration is who called.
	Integration string
	// Entity and Action are the operation.
	Entity, Action string
	// ID is the id in the path.
	ID string
	// Login is the name of the login that served.
	Login string
	// Zone is the base URL that the call was sent to.
	Zone string
	// CredentialVersion is the store's label of the credential that it was sent with.
	CredentialVersion string
	// Reason is psagate's word for an answer of its own.
	Reason string
}
