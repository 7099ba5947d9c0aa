//go:build !race

package e2e

// race: the tests, and so the binary too, are built with the race detector.
const race = false
