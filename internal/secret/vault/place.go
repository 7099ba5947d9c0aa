package vault

import (
	"fmt"
	"net/url"
	"strings"
)

// place is where a record lies: the engine's mount and the path within it.
type place struct{ mount, path string }

// String is how Vault's own command shows it.
func (p place) String() string { return p.mount + "/" + p.path }

func (p place) data() location     { return location{p.mount, "data", p.path} }
func (p place) metadata() location { return location{p.mount, "metadata", p.path} }

// hint tells people who write the path as it is in Vault's API, or as other tools want it, how it is written here.
func (p place) hint() string {
	rest, whole := strings.CutPrefix(p.path, p.mount+"/")
	for _, part := range []string{"data/", "metadata/"} {
		if inner, found := strings.CutPrefix(rest, part); found {
			rest, whole = inner, true
			break
		}
	}
	if !whole || rest == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q? a path is written without the mount and without data/)", rest)
}

// location is a path of Vault's API, in parts that may hold slashes.
type location []string

// String is the path as policies name it.
func (l location) String() string { return strings.Join(l, "/") }

// escaped is the path as it goes into a URL: slashes stay, all else that means something there is escaped.
func (l location) escaped() string {
	segments := strings.Split(l.String(), "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// policy is the line of a policy that lets a token do things with it: read it, where none are named.
func (l location) policy(capabilities ...string) string {
	if len(capabilities) == 0 {
		capabilities = []string{"read"}
	}
	return fmt.Sprintf("path %q { capabilities = [\"%s\"] }", l.String(), strings.Join(capabilities, `", "`))
}
