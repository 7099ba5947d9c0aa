// Package signin has people sign in with their company's provider: the pages under /psagate/, and the gate in front of what only
// those may see who did.
//
// It is plain net/http. What a browser holds of a sign-in under way is a sealed cookie of its own for each, so that several tabs do not
// disturb each other; of a session it holds a random token. Both are psagate's affair: whoever is behind the gate sees neither.
package signin
