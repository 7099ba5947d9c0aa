package secret

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestASourcesErrorIsShownWithoutTheRecordsContents(t *testing.T) {
	text := "pass \"w0rd\"/&\\ü<>"
	inJSON, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	record := Record{Fields: map[string]Value{"a": NewValue("pass"), "b": NewValue(text), "short": NewValue("w0"), "empty": NewValue("")}}
	for _, form := range []string{text, url.QueryEscape(text), url.PathEscape(text), base64.StdEncoding.EncodeToString([]byte(text)), fmt.Sprintf("%q", text), string(inJSON)} {
		err := redactError(fmt.Errorf("%w: server said %s.", ErrUnavailable, form), record)
		if strings.Contains(err.Error(), "w0rd") || strings.Contains(err.Error(), form) {
			t.Errorf("shown in the form %s: %s", form, err)
		}
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
}

func TestAnErrorsTextIsOneLineOfBoundedLength(t *testing.T) {
	err := redactError(errors.New("a\r\nb\x1b["+strings.Repeat("ü", 1000)), Record{})
	if strings.ContainsAny(err.Error(), "\r\n\x1b") || len(err.Error()) > maxErrorText+3 || !strings.HasSuffix(err.Error(), "ü…") {
		t.Errorf("got %q", err)
	}
}
