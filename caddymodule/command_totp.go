package caddymodule

var totpCommand = command{
	name:  "totp",
	args:  "list|reset",
	short: "Second factors of people",
	long:  "Shows which people have a second factor, and takes it from one who has lost it.",
	subs:  []command{totpListCommand, totpResetCommand},
}
