// Package look is what psagate's own pages look like, those of internal/signin and of internal/console alike: their colours, dark and
// light, their letters, and what people use on them.
package look

import _ "embed" // the style

// CSS is the part of a style sheet that is the same on all pages.
//
//go:embed base.css
var CSS string
