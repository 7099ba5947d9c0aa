package autotask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// ZoneInformation is the free answer that tells a user's zone, in the PSA's own JSON.
type ZoneInformation struct {
	// ZoneName is the zone's short code.
	ZoneName string `json:"zoneName"`
	// URL is the base URL of the zone's interfaces. It is as it came: ParseBase judges it.
	URL string `json:"url"`
	// WebURL is where people sign in. It is as it came.
	WebURL string `json:"webUrl"`
	// CI is the number of the tenant's database.
	CI int64 `json:"ci"`
}

// ErrUnknownLogin is the PSA's answer that it knows no zone for a user: the user does not exist, or it is one of those
// for which the lookup fails and the zone must be configured.
var ErrUnknownLogin = errors.New("the PSA knows no zone for this user: correct the user name, or configure the zone")

// zoneUnknownText is how the PSA words that it knows no zone.
const zoneUnknownText = "zone information could not be determined"

// maxZoneInformation bounds the answer: real ones are below 200 bytes.
const maxZoneInformation = 64 << 10

// ParseZoneInformation reads the answer, of whatever status, to a zone lookup. An unknown user is ErrUnknownLogin.
// Whoever answers is not yet trusted: sizes, types and a missing URL are checked, and URL still is to be given to
// ParseBase.
func ParseZoneInformation(r io.Reader) (ZoneInformation, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxZoneInformation+1))
	if err != nil {
		return ZoneInformation{}, fmt.Errorf("reading the PSA's zone information: %w", err)
	}
	if len(body) > maxZoneInformation {
		return ZoneInformation{}, errors.New("the PSA's zone information is longer than 64 KiB: something else answered")
	}
	body = bytes.TrimPrefix(body, utf8BOM)
	if texts, ok := errorTexts(body); ok {
		return ZoneInformation{}, zoneError(texts)
	}
	var z ZoneInformation
	if err := json.Unmarshal(body, &z); err != nil {
		// The decoder's error can repeat what was sent.
		return ZoneInformation{}, errors.New("the PSA's zone information is not the JSON it should be: something else answered")
	}
	if z.URL == "" {
		return ZoneInformation{}, errors.New("the PSA's zone information names no url: something else answered")
	}
	return z, nil
}

func zoneError(texts []string) error {
	for _, text := range texts {
		if strings.Contains(lower(text), zoneUnknownText) {
			return ErrUnknownLogin
		}
	}
	return errors.New("the PSA answered the zone lookup with an error; try again, or configure the zone")
}

// VersionInformation returns the body of the free answer that lists the interface's versions: the one that is served.
func VersionInformation() []byte { return []byte(`{"apiVersions":["` + version1 + `"]}`) }

// ZoneInformationRequest returns the URL of the free lookup of a user's zone. No credential goes with it.
func ZoneInformationRequest(base Base, user string) *url.URL {
	query := "user=" + strings.ReplaceAll(url.QueryEscape(user), "+", "%20")
	return base.URL(zoneLookup, query)
}
