// Package console is psagate's page for people: what is about to be locked, who fails and what to do, which credential serves where,
// and what was denied; and what an operator may do about it. It is drawn here and works without scripts; with them it is live.
//
// It stands behind the gate of internal/signin, and lets nobody through who did not come through that. What is shown comes from
// internal/report, so that the page and the commands say the same; what is done is done by the functions of the commands.
package console
