package store

import (
	"reflect"
	"testing"
	"time"

	"github.com/psagate/psagate/internal/guard"
)

// A field that is added to a credential is one that the database must have before it is true, unless it is named here.
func TestEveryFieldOfACredentialButTwoIsCovered(t *testing.T) {
	whole := guard.Credential{Fingerprint: guard.Fingerprint{1}, Code: guard.Fingerprint{2}}
	later := map[string]bool{"Fingerprint": true, "Version": true, "ProvenAt": true}
	for i := range reflect.TypeFor[guard.Credential]().NumField() {
		changed := whole
		field := reflect.ValueOf(&changed).Elem().Field(i)
		switch value := field.Addr().Interface().(type) {
		case *string:
			*value = "changed"
		case *bool:
			*value = true
		case *int:
			*value = 1
		case *uint64:
			*value = 1
		case *time.Time:
			*value = time.Unix(1, 0)
		case *guard.Fingerprint:
			*value = guard.Fingerprint{9}
		case *guard.CredentialState:
			*value = guard.StateRefused
		default:
			t.Fatalf("a field of type %s", field.Type())
		}
		if name := reflect.TypeFor[guard.Credential]().Field(i).Name; coversCredential(&whole, &changed) != later[name] {
			t.Errorf("%s: covered %v", name, !later[name])
		}
	}
}
