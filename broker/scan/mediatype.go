package scan

import "github.com/jhillyerd/enmime/v2/mediatype"

// MediaType reads a Content-Type as mailers write it, and again without what cannot be in one where that fails. The scan
// and the parser must find the same boundaries: whoever parses after Check reads media types with this function.
func MediaType(value string) (kind string, params map[string]string, invalid []string, err error) {
	kind, params, invalid, err = mediatype.Parse(value)
	if err != nil {
		return mediatype.ParseWithOptions(value, mediatype.ParseOptions{StripMediaTypeInvalidCharacters: true})
	}
	return kind, params, invalid, nil
}
