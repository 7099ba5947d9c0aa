package ledger_test

import (
	"testing"

	"github.com/psagate/psagate/broker/ledger"
	"github.com/psagate/psagate/broker/ledger/ledgertest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	ledgertest.Test(t, func(*testing.T) ledger.Ledger { return ledger.NewMemory() })
}
