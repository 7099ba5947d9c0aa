package stepup

import "github.com/psagate/psagate/internal/issuertest"

// liesOf has the provider say a text wherever it says one of a person.
func liesOf(text string) issuertest.Lies {
	return issuertest.Lies{User: map[string]any{"sub": "ann", "email": text, "name": text}}
}
