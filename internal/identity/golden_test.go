package identity

// The key and the hash of the bytes 0 to 31, computed by a program that is not this one.
const (
	goldenKey  = "psagate_003AuLtjc7TJLctqJ2Unu3mfAGcxg9lrkrCWgKbidLF2cN7vc"
	goldenHash = "sha256:89f67245b29253ee129fe51c787a09d8c738e5f3add930f4baf6e10f2808a207"
)
