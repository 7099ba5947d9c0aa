package autotask

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// SetBasic puts a credential's user name and secret, as UTF-8, on a SOAP request that is about to leave; its code goes into the envelope.
// The error is CheckBasic's: then no header is set.
func SetBasic(h http.Header, user, secret, code string) error {
	if err := CheckBasic(user, secret, code); err != nil {
		return err
	}
	h["Authorization"] = []string{string(base64.StdEncoding.AppendEncode([]byte("Basic "), []byte(user+":"+secret)))}
	return nil
}

// CheckBasic says why a credential cannot go into a SOAP call: HTTP Basic ends the user name at its first colon (RFC 7617, section 2).
// The error shows no value.
func CheckBasic(user, secret, code string) error {
	for _, v := range [...]struct{ name, value string }{{"user name", user}, {"secret", secret}, {"integration code", code}} {
		if err := checkCredential(v.value); err != nil {
			return fmt.Errorf("the credential's %s %w", v.name, err)
		}
	}
	if strings.Contains(user, ":") {
		return errors.New("the credential's user name holds a colon, which HTTP Basic cannot carry: SOAP cannot be used with it")
	}
	return nil
}
