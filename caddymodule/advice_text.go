package caddymodule

// adviceTexts are the kinds of warnings that `check` gives of a config: what is unwise, and what to do.
//
// A kind is a word that scripts may know; it is never given another meaning. What begins after the place that it is true
// of, one or several, and takes the arguments that its finder gives.
var adviceTexts = map[string]struct{ what, do string }{
	// Caddy's admin endpoint.
	"admin-network": {
		"listens on %s: WHOEVER REACHES THAT OVER THE NETWORK can replace the config and release logins",
		adminSocket,
	},
	"admin-tcp": {
		"listens on %s: every user of this machine can read and replace the config and release logins",
		adminSocket,
	},
	"admin-socket": {
		"its socket has mode %04o: others than its owner can replace the config and release logins",
		"End its address with |0600.",
	},
	"admin-abstract": {
		"its socket %s is abstract and has no permissions: every user of this machine can open it",
		adminSocket,
	},
	"admin-remote": {
		"also listens for remote administration: whoever holds a certificate that it accepts can do what its rules permit",
		"Take `remote` away, or permit no more than the paths and methods that are needed.",
	},
	"admin-off": {
		"off: status, check, release and reload cannot reach this server",
		adminSocket,
	},
	"unseen": {
		"%s could not be looked at: %v",
		"Ask again, and if that is no help look there yourself: psagate may not know this Caddy.",
	},

	// What outlives the process.
	"key-made": {
		"this process made the installation key: whoever restores the store without it begins with nothing known of any password",
		"Keep a copy of psagate/keys/installation.key in Caddy's data directory, or name a record with `installation_key`.",
	},
	"store-made": {
		"this process made the store: if it is not the first one here, all that was recorded of failed sign-ins is lost",
		"See that the store, and Caddy's data directory, are on a disk that outlives the process and its container.",
	},

	// The audit log.
	"audit-compressed": {
		"it is required, and Caddy compresses what it rotates: a loss of power at that moment may take a whole file of lines that were promised to be on disk",
		"Write roll_uncompressed into its output, and let something else compress the files that are left.",
	},

	// Sites.
	"no-site": {
		"no site has psa_gateway: nobody can call",
		"Write psa_gateway into the site that integrations call.",
	},
	"plain-http": {
		"served over plain HTTP on %s: keys and data can be read on the way",
		"Serve it over HTTPS, or bind it to a loopback address or a socket behind a proxy that does.",
	},
	"no-identify": {
		"psa_proxy stands without psa_identify before it: every call is answered 401",
		"Write psa_gateway, or psa_identify before psa_proxy on the same path.",
	},
	"no-policy": {
		"psa_proxy stands without psa_policy before it: integrations may do whatever their login may",
		"Write psa_gateway, or psa_policy between psa_identify and psa_proxy.",
	},
	"no-signin": {
		"%s stands without psa_signin before it: nobody comes through",
		"Write psa_signin before it, in the same site and on the same path.",
	},
	"web-open": {
		"psa_web with proxy stands without psa_signin before it: strangers may try passwords there, and what they fail counts with the login's calls, which stop at its budget",
		"Write psa_signin before it; where the Outlook extension comes, who cannot sign in, let a `remote_ip` matcher say from which networks.",
	},
	"deeds-unaudited": {
		"policies may let people do things by psa_console, and there is no audit log: nobody will know who did what",
		"Write `audit` into the psa block.",
	},
	"signin-issuers": {
		"people sign in by the pages of psa_signin %s, which comes first: nobody can sign in for the other psa_signin with %s",
		"Name all issuers in the first psa_signin that a request comes to, or give the two a host each. In a `route`, what is written first comes first.",
	},
	"signin-groups": {
		"people sign in by the pages of the psa_signin that comes first, with groups %s: nobody else can sign in for the other psa_signin",
		"Write both into a `route`, the one for more people first: elsewhere Caddy puts one with a path first.",
	},
	"no-proxy": {
		"psa_identify stands without psa_proxy: no call comes to the PSA",
		"Write psa_gateway, or psa_proxy after psa_identify.",
	},
	"handler-errors": {
		"a call passes the handler %s before psagate's: when that fails, Caddy logs the caller's headers, the key in them",
		"Give the default log `format psa`, or put other handlers into a `handle` or a site of their own.",
	},
	"matcher-errors": {
		"a matcher is an expression: when a caller makes it fail, Caddy logs the caller's headers, the key in them",
		"Give the default log `format psa`.",
	},
	"debug-log": {
		"a log at level debug takes what Caddy and its handlers say of calls, with the caller's headers, the key in them",
		"Give that log `format psa`, or take `debug` away.",
	},
	"rewritten": {
		"the handler %s changes a call before psagate sees it: what is logged and decided on is not what was asked",
		"Take it away, or put it into a `handle` that calls to the PSA do not pass.",
	},
	"set-key": {
		"the config itself sets the header %s: whoever calls is taken for the integration whose key that is",
		"Let each caller send its own key, and replace this one: everyone who can read the config knows it.",
	},
	"public-url": {
		"served over plain HTTP behind a proxy and without public_url: links in the PSA's answers begin with http://",
		"Write `public_url https://…`, the base URL that clients call.",
	},
	"trust-missing": {
		"calls come through a proxy, as it listens on loopback or a socket alone, and that proxy is not trusted: `from` sees its address",
		"Set trusted_proxies (trusted_proxies_unix for a socket) in the global option servers.",
	},
	"trust-all": {
		"trusted_proxies holds every address: callers choose the address that `from`, the limit on failures and the logs see",
		"Name only the proxies that stand before this server.",
	},
	"trust-lax": {
		"X-Forwarded-For is read from the left, where a caller can write what it likes: `from` may see a made-up address",
		"Set trusted_proxies_strict, unless the proxy drops the header that callers send.",
	},
	"sni-off": {
		"strict_sni_host is off: a certificate that another site's authorities made counts here too",
		"Take `strict_sni_host insecure_off` away.",
	},
	"client-ca": {
		"client certificates are verified against the system's authorities: any public one can vouch for a client_cert",
		"Name your own authority: trust_pool in client_auth.",
	},
	"insecure-log-keys": {
		"insecure_log_keys is set: access logs may hold callers' keys",
		"Give the logs `format psa` and take insecure_log_keys away.",
	},

	// Secret stores.
	"web-root": {
		"the file lies below %s, from which a file_server serves",
		"Move the file out of what is served, and replace the secrets in it if it could be fetched.",
	},
	"insecure-permissions": {
		"insecure_permissions is set: others on this machine may read or replace the secrets",
		"Make the file readable by Caddy's user alone (chmod 600) and take insecure_permissions away.",
	},
	"insecure-vault": {
		"insecure_http is set: Vault's token and every secret can be read on the way",
		"Use https:// and `ca <pem file>`, and take insecure_http away.",
	},
	"fixed-token": {
		"signs in to Vault with a token from the environment: when its life ends there is no other without a restart",
		"Use `auth token_file`, or a method that signs in anew, such as approle or kubernetes.",
	},
	"poll-fast": {
		"poll is %s: each record in use costs Vault a read that often",
		"Use 15s: after a refusal psagate looks at once anyway.",
	},
	"max-stale-short": {
		"max_stale is %s: the shortest trouble with the store stops all calls",
		"Set it to as long as repairing the store takes, such as 1h.",
	},
	"max-stale-long": {
		"max_stale is %s: a credential that was taken back in the store is used for that long while the store is unreachable",
		"Set it to as long as repairing the store takes, such as 1h.",
	},
	"mail-no-source": {
		"has neither imap nor smtp: no mails come, and those that are there are worked on",
		"Take it out when `psagate mail list` shows that nothing is left, or give it a source.",
	},
	"mail-no-company": {
		"names no company for mails whose sender the PSA does not know: their tickets are the PSA's owner's",
		"Write `company <id>` in its `default` block; 0 says that this is meant.",
	},
	"mail-no-queue": {
		"names no queue, so that the PSA says where its tickets go",
		"Write `queue <id or label>` in its `default` block.",
	},
	"mail-no-tls": {
		"takes mails in by SMTP without TLS: whoever is on the way can read and change them",
		"Write `tls <certificate> <key>` in its `smtp` block.",
	},
	"mail-from-anywhere": {
		"takes mails in by SMTP from anywhere: what filters mail before it can be gone around",
		"Write `from <cidr...>` in its `smtp` block, with the networks of the mail servers that hand mails on.",
	},
	"mail-denied": {
		"may not do what it needs (%s): policy denies it, and its mails wait",
		"Permit it: docs/policy.md has the lines for mailboxes, and `psagate policy explain` says why.",
	},

	"unused-store": {
		"no login, integration, mailbox or other store reads it",
		"Take it away, or name it where it was meant to be used.",
	},

	// Logins.
	"observe": {
		"observe is on: nothing is held back, and the PSA may lock the user",
		"Take observe away as soon as you have seen what it shows.",
	},
	"insecure-http": {
		"insecure_http is set: the credential goes to loopback hosts in clear",
		"For simulators only: take it away where the PSA itself is called.",
	},
	"extra-hosts": {
		"the credential may go to hosts that are not the PSA's: %s",
		"Take away from hosts what no test or sandbox needs.",
	},
	"same-record": {
		"these are one PSA user with one budget: they name the record %s of store %s",
		"Use one login for them, or give each a PSA user of its own.",
	},
	"pool-of-one": {
		"it has one login: nothing takes its calls when that one is refused or busy",
		"Add a login of the same tenant, or let integrations name the login itself.",
	},
	"unused-pool": {
		"no integration calls through it",
		"Take it away, or name it with `login` in an integration.",
	},
	"unused-login": {
		"no integration calls as it, by itself or through a pool",
		"Take it away, or name it with `login` in an integration.",
	},
	"zone-pinned": {
		"zone is set: when the PSA moves the tenant to another zone, calls fail until somebody changes it",
		"Take zone away, so that it is looked up.",
	},
	"recheck-short": {
		"recheck is %s: a refused password is tried again that often, and each try may count towards the lock",
		"Use 15m: a new password in the store is tried at once anyway.",
	},
	"linger-short": {
		"linger is %s: a call without an answer may count as failed at the PSA after psagate has forgotten it",
		"Use 1m.",
	},
	"deadline-long": {
		"calls wait up to %s in the queue: most clients have given up by then, and call again",
		"Use 30s, or see that clients wait for longer.",
	},
	"in-flight-one": {
		"%d integrations share it and it serves one call at a time: they will wait for each other",
		"Raise in_flight and budget, or spread the integrations over several PSA users.",
	},

	// Integrations.
	"expired": {
		"expired: calls are refused",
		"Take it away, or set expires anew with its owner's word.",
	},
	"expires-soon": {
		"expires within 30 days, not before %s",
		"Ask the owner, and set expires anew or take the integration away.",
	},
	"disabled": {
		"disabled: calls are refused",
		"Take it away if it is not to come back.",
	},
	"from-any": {
		"`from` holds all addresses, and so restricts nothing",
		"Name the networks that calls come from, or take the line away.",
	},
	"no-verified-client": {
		"client_cert can never match: no site with psa_gateway verifies client certificates",
		"Write `client_auth` with a trust_pool and the mode verify_if_given or require_and_verify into the site's tls.",
	},
	"many-keys": {
		"more than two keys: a replacement was perhaps left unfinished, and old keys still open the gate",
		"Take away the keys that no caller uses any more.",
	},
	"passthrough-wide": {
		"whoever calls from its networks may bring secrets for its passthrough users: one that is not proven is tried a minute",
		"Name one address in from, or give it a client_cert: then what it brings first counts as its own.",
	},
	"impersonate": {
		"may act as any resource that the login may impersonate",
		"Take impersonate away where it is not needed.",
	},
	"no-owner": {
		"nobody is named who answers for it",
		"Write `owner <mail address>`: whoever sees its failures needs to know whom to ask.",
	},
}

const adminSocket = "Put it on a socket that only Caddy's user can open: `admin unix//run/psagate/admin.sock|0600`."
