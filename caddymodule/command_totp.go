package caddymodule

var totpCommand = command{
	name:  "totp",
	args:  "list|reset|code",
	short: "Second factors of people, and codes of shared PSA users",
	long: "Shows which people have a second factor, and takes it from one who has lost it;\n" +
		"and shows the one-time code of a PSA user that several people share.",
	subs: []command{totpListCommand, totpInviteCommand, totpResetCommand, totpCodeCommand},
}
