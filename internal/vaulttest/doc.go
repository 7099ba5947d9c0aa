// Package vaulttest gives a test a real Vault: the command of e2e/vault, one process for each [Start].
//
//	v := vaulttest.Start(t)
//	v.Put("autotask/main", map[string]any{"username": "api@example.com", "secret": "s"})
//	token := v.Token([]string{v.Policy("psagate", `path "kv/*" { capabilities = ["read"] }`)}, time.Hour)
//
// The binary is the one that the environment variable PSAGATE_VAULT names; scripts/test builds it. A test without it is
// skipped, or fails where PSAGATE_REAL_PARTS is 1. What a test asks of a Vault and does not get ends the test.
//
// Vault counts the lives of its tokens in whole seconds of the real clock. The package knows nothing of psagate.
package vaulttest
