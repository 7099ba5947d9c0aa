package vault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/psagate/psagate/internal/secret"
)

// farAway is how far in the future the deletion of a version must lie to be taken for not come yet by a clock that is
// not Vault's.
const farAway = time.Hour

// version is what Vault tells of one version of a record.
type version struct {
	number    uint64
	created   string // as Vault writes it, to the nanosecond
	deletion  string // when it was or will be deleted; empty: never
	destroyed bool
}

// revision differs between two versions of one number: a Vault that was restored from a backup gives a number again, but
// not the moment.
func (v version) revision() string { return strconv.FormatUint(v.number, 10) + " " + v.created }

// mayBeGone tells that only Vault knows whether the version can still be read.
func (v version) mayBeGone() bool {
	if v.deletion == "" {
		return v.destroyed
	}
	at, err := time.Parse(time.RFC3339Nano, v.deletion)
	return v.destroyed || err != nil || time.Until(at) < farAway
}

// parseVersion reads a version as the metadata of a reading has it.
func parseVersion(from any) (version, bool) {
	m, _ := from.(map[string]any)
	number, ok := toNumber(m["version"])
	v := partsOf(m)
	v.number = number
	return v, ok && v.created != ""
}

func partsOf(m map[string]any) (v version) {
	v.created, _ = m["created_time"].(string)
	v.deletion, _ = m["deletion_time"].(string)
	v.destroyed, _ = m["destroyed"].(bool)
	return v
}

func toNumber(from any) (uint64, bool) {
	text, _ := from.(json.Number)
	n, err := strconv.ParseUint(text.String(), 10, 64)
	return n, err == nil
}

// parseRecord reads the answer to a reading of a record.
func parseRecord(at place, a answer) (secret.Record, error) {
	data := a.secret().Data
	content, isObject := data["data"].(map[string]any)
	v, ok := parseVersion(data["metadata"])
	if !isObject || !ok {
		return secret.Record{}, fmt.Errorf("%w: what Vault gives for %s is no record of a KV version 2 engine", secret.ErrUnavailable, at)
	}
	return v.record(at, content), nil
}

func (v version) record(at place, content map[string]any) secret.Record {
	created, _ := time.Parse(time.RFC3339Nano, v.created) // zero where it is written in another way
	return secret.Record{Path: at.path, Version: v.number, Revision: v.revision(), Created: created, Fields: fieldsOf(content)}
}

func fieldsOf(content map[string]any) map[string]secret.Value {
	fields := make(map[string]secret.Value, len(content))
	for name, value := range content {
		switch v := value.(type) {
		case string:
			fields[name] = secret.NewValue(v)
		case json.Number:
			fields[name] = secret.NewValue(v.String())
		}
	}
	return fields
}

// parseRevision reads the answer to a look at a record's metadata.
func parseRevision(at place, a answer) (string, error) {
	data := a.secret().Data
	number, ok := toNumber(data["current_version"])
	versions, _ := data["versions"].(map[string]any)
	current, there := versions[strconv.FormatUint(number, 10)].(map[string]any)
	v := partsOf(current)
	v.number = number
	switch {
	case ok && number == 0:
		return "", notFound("%s has no version yet: write one", at)
	case !ok || !there || v.created == "":
		return "", fmt.Errorf("%w: what Vault gives for the metadata of %s is not that of a KV version 2 engine", secret.ErrUnavailable, at)
	case v.mayBeGone():
		return "", nil
	default:
		return v.revision(), nil
	}
}

// secret decodes the answer's body. It is empty where that is nothing that Vault says.
func (a answer) secret() *api.Secret {
	s, err := api.ParseSecret(bytes.NewReader(a.body))
	if err != nil || s == nil {
		return new(api.Secret)
	}
	return s
}
