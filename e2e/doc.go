// Package e2e tests the psagate binary as its users meet it: a process of its own, started with a Caddyfile, between
// clients and the simulated PSA, all on real sockets. What the rules are is tested beside the code; here is tested that
// the whole keeps them.
package e2e
