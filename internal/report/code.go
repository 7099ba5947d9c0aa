package report

// CodeShown is the answer of POST /psa/totp/shown: the audit log says that the login's one-time code is shown.
type CodeShown struct {
	// Login is whose code it is.
	Login string `json:"login"`
}
