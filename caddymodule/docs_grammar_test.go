package caddymodule

import (
	"fmt"
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/psagate/psagate/broker/token"
	"github.com/psagate/psagate/internal/alert"
	"github.com/psagate/psagate/internal/call"
	"github.com/psagate/psagate/internal/guard"
	"github.com/psagate/psagate/internal/issuer"
	"github.com/psagate/psagate/internal/mail"
	"github.com/psagate/psagate/internal/session"
	"github.com/psagate/psagate/internal/stepup"
	"github.com/psagate/psagate/internal/store"
)

// entry is a line of the reference's grammar: a word with what follows it, what is remarked of it, and its block.
type entry struct {
	pieces []string
	remark string
	up     *entry
	in     []*entry
}

var (
	// linePieces are its words and what stands for others: [<name>], <base URL>.
	linePieces = regexp.MustCompile(`\[[^\]]*\]|<[^>]*>|\S+`)
	// lineRemark begins with a sharp and ends with the line.
	lineRemark = regexp.MustCompile(`\s+#\s*(.*)$`)
)

// grammar reads the grammar of the reference page: its blocks without a kind.
func grammar(t *testing.T) (roots []*entry) {
	t.Helper()
	for _, block := range fences(t, referencePage, "") {
		var up *entry
		for line := range strings.Lines(block) {
			e := &entry{up: up}
			line = strings.TrimSpace(line)
			if m := lineRemark.FindStringSubmatch(line); m != nil {
				e.remark, line = m[1], strings.TrimSuffix(line, m[0])
			}
			e.pieces = linePieces.FindAllString(strings.TrimSuffix(line, "{"), -1)
			switch {
			case line == "":
			case line == "}":
				up = up.up
			case up == nil:
				roots = append(roots, e)
			default:
				up.in = append(up.in, e)
			}
			if strings.HasSuffix(line, "{") {
				up = e
			}
		}
		if up != nil {
			t.Fatalf("%s has no end", up)
		}
	}
	return spread(roots)
}

// spread gives what is said of all (`auth <method> ...`) to each.
func spread(all []*entry) (each []*entry) {
	for _, e := range all {
		e.in = spread(e.in)
		if !e.ofAll() {
			each = append(each, e)
		}
	}
	for _, e := range all {
		for _, one := range each {
			if e.ofAll() && one.pieces[0] == e.pieces[0] {
				one.take(e.in)
			}
		}
	}
	return each
}

// ofAll tells whether the entry speaks of all that begin with the same word.
func (e *entry) ofAll() bool { return e.pieces[len(e.pieces)-1] == "..." }

// take adds copies of entries to the entry's block.
func (e *entry) take(all []*entry) {
	for _, of := range all {
		own := &entry{pieces: of.pieces, remark: of.remark, up: e}
		own.take(of.in)
		e.in = append(e.in, own)
	}
}

// String is the way to the entry: the words that cannot be left out.
func (e *entry) String() string {
	var own []string
	for _, p := range e.pieces {
		if !stands(p) {
			own = append(own, p)
		}
	}
	if e.up == nil {
		return strings.Join(own, " ")
	}
	return e.up.String() + " " + strings.Join(own, " ")
}

// form is the way to the entry with all that it takes, by which it differs from other forms of the word.
func (e *entry) form() string {
	if e.up == nil {
		return strings.Join(e.pieces, " ")
	}
	return e.up.form() + " " + strings.Join(e.pieces, " ")
}

// stands tells whether a piece stands for other words.
func stands(piece string) bool { return strings.HasPrefix(piece, "<") || strings.HasPrefix(piece, "[") }

// samples are what the reference's grammar may be filled in with, some for one word only.
var samples = map[string]string{
	"<name>": "main", "@<name>": "@main", "<store>": "main", "<login>": "main", "<login or pool>": "main", "pool <name>": "crew", "<login...>": "main", "<path>": "autotask/main", "store <path>": "/var/lib/psagate/psagate.db", "<dsn>": "{env.PSAGATE_DSN}", "<address>": "https://vault.example.com:8200",
	"<secret>": "{env.PSAGATE_TEST}", "<role_id>": "psagate", "<role>": "psagate", "<kv v2 mount>": "kv", "<ns>": "teams/msp", "<pem file>": "/etc/psagate/ca.pem",
	"<base URL>": "https://psa.example.com", "<host...>": "127.0.0.1 psa.example.com:8443", "<duration>": "1m", "<threshold>": "7", "<length>": "256", "<deadline>": "30s",
	"poll <duration>": "15s", "ttl <duration>": "15s", "max_stale <duration>": "1h", "budget <n>": "5", "in_flight <n>": "3", "<mail address>": "ops@example.com", "<hash...>": hash1 + " " + hash2,
	"<san or subject>": "backup.example.com", "<cidr...>": "192.0.2.0/24 private_ranges", "<user name...>": "alice@example.com bob@example.com", "<date>": "2027-03-31", "<reason>": "moved", "<size>": "16MiB",
	"<matcher>": "/ATServicesRest/*", "entity <name...>": "Tickets Tickets/Notes", "<action...>": "create update", "<format>": "console",
	"<url>": "https://ops.example.com/psagate", "header <name>": "Authorization", "<to...>": "ops@example.com night@example.com", "<host:port>": "mail.example.com:587",
	"<file...>": "/etc/psagate/policies /etc/psagate/common.cedar", "<zone>": "Europe/Berlin", "groups <name...>": "backup readers",
	"<issuer URL>": "https://login.example.com", "<id>": "psagate", "<aud>": "https://psa.example.com", "<claim>": "roles", "<value>": "rmm", "<issuer>": "main", "<issuer...>": "main", "<idle>": "8h", "<absolute>": "24h", "<max age>": "5m",
	"<field>": "totp_seed", "<key>": "totp/autotask", "limit <n>": "60", "concurrent <n>": "4", "<weekday...>": "mon-wed fri", "<from-to>": "08:00-18:00",
	"<way>": "proxy", "<desktop>": "3", "<mobile>": "1", "<text...>": "\"is not valid\"", "sign_in <path...>": "/Mvc/SignIn/", "<name...>": "main",
	"<token URL>": "https://login.example.com/token", "<client id>": "psagate", "<scope...>": "https://mail.example.com/.default", "<processed>": "Done", "<dead letter>": "Unreadable",
	"<listen address>": "127.0.0.1:2525", "<host name>": "mx.example.com", "<certificate pem file>": "/etc/psagate/mx.pem", "<key pem file>": "/etc/psagate/mx.key", "<integration>": "main",
	"<id or label>": "\"Level I\"", "company <id>": "29683", "<text>": "support", "<domain...>": "example.net example.org", "<expression>": "`size > 0`", "<treatment>": "note", "<kind>": "list",
	"<how>": "starttls", "<whom>": "admin", "<most>": "5", "<user>": "psagate", "<state...>": "locked no-secret", "from <mail address>": "psagate@example.com", "<writer...>": "file /var/log/psagate/audit.log",
}

// sample returns what stands for a piece; choose says whether what may be left out is.
func (e *entry) sample(t *testing.T, piece string, choose chooser) string {
	t.Helper()
	if inner, optional := strings.CutPrefix(piece, "["); optional {
		if choose(e.form()+" with "+piece, 2) == 0 {
			return ""
		}
		piece = strings.TrimSuffix(inner, "]")
	}
	for _, key := range []string{e.pieces[0] + " " + piece, piece} {
		if text, ok := samples[key]; ok {
			return text
		}
	}
	if stands(piece) {
		t.Fatalf("%s: teach this test what %s may be", e, piece)
	}
	return piece
}

// line is the entry filled in, without its block. The piece at the place is what is given instead.
func (e *entry) line(t *testing.T, choose chooser, place int, instead string) string {
	t.Helper()
	filled := make([]string, len(e.pieces))
	for i, piece := range e.pieces {
		if filled[i] = instead; i != place {
			filled[i] = e.sample(t, piece, choose)
		}
	}
	return strings.Join(filled, " ")
}

// text is the entry filled in. Of words that are there in several forms, one is chosen.
func (e *entry) text(t *testing.T, choose chooser) string {
	t.Helper()
	line := e.line(t, choose, -1, "")
	if len(e.in) == 0 {
		return line + "\n"
	}
	forms := map[string][]*entry{}
	for _, in := range e.in {
		forms[in.pieces[0]] = append(forms[in.pieces[0]], in)
	}
	var block strings.Builder
	for _, word := range slices.Sorted(maps.Keys(forms)) {
		block.WriteString(forms[word][choose(e.form()+" with "+word, len(forms[word]))].text(t, choose))
	}
	return line + " {\n" + block.String() + "}\n"
}

const (
	// someApp is a config whose store, login, integration and issuer are called as samples say.
	someApp = "\tpsa {\n\t\tsecrets main file /etc/psagate/secrets.json\n\t\tlogin main {\n\t\t\tsecret main autotask/main\n\t\t}\n\t\tintegration main {\n\t\t\tkey " + hash1 + "\n\t\t}\n\t\tissuer main https://login.example.com {\n\t\t\tclient_id psagate\n\t\t}\n\t}\n"
	// strangeWord is a word that is near to no other.
	strangeWord = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
)

// whole is a Caddyfile with the text where the entry's is.
func (e *entry) whole(text string) string {
	for up := e; ; up = up.up {
		if up.up == nil {
			e = up
			break
		}
	}
	site := text
	switch word := e.pieces[0]; {
	case word == "psa":
		return "{\n" + text + "}\n"
	case word == "format":
		site = "log {\n" + text + "}\npsa_gateway\n"
	case strings.HasPrefix(word, "@"):
		site += "psa_gateway @main\n"
	}
	return "{\n" + someApp + "}\n\npsa.example.com {\n" + site + "}\n"
}

// ask returns the error about a text where the entry's is, in the blocks that it is in.
func (e *entry) ask(t *testing.T, text string) string {
	t.Helper()
	for up := e.up; up != nil; up = up.up {
		text = up.line(t, firstChoice, -1, "") + " {\n" + text + "}\n"
	}
	_, err := adapt(t, string(caddyfile.Format([]byte(e.whole(text)))))
	if err == nil {
		return ""
	}
	return err.Error()
}

// chooser takes one of n; what names the choice.
type chooser func(what string, n int) int

func firstChoice(string, int) int { return 0 }

var itKnows = regexp.MustCompile(`; it knows (.+?)(?:, at Caddyfile:\d+.*)?$`)

// knownWords are the words that an error lists.
func knownWords(err string) []string {
	m := itKnows.FindStringSubmatch(err)
	if m == nil {
		return nil
	}
	return slices.Sorted(slices.Values(strings.Split(m[1], ", ")))
}

// eachEntry calls for all entries.
func eachEntry(all []*entry, visit func(e *entry, among []*entry)) {
	for _, e := range all {
		visit(e, all)
		eachEntry(e.in, visit)
	}
}

// caddysOwn are words whose blocks are those of Caddy's modules.
var caddysOwn = []string{"format psa wrap", "psa audit output"}

// The parser is asked itself: it answers an unknown word with those that it knows.
func TestTheReferenceHasTheWordsOfEachBlock(t *testing.T) {
	eachEntry(grammar(t), func(e *entry, among []*entry) {
		if slices.Contains(caddysOwn, e.String()) {
			return
		}
		answer := e.ask(t, e.line(t, firstChoice, -1, "")+" {\n"+strangeWord+"\n}\n")
		if !strings.Contains(answer, `unknown word "`+strangeWord) && !strings.Contains(answer, "takes no block") {
			t.Errorf("%s: the parser did not come to its block: %q", e, answer)
		}
		page := map[string]bool{}
		for _, form := range among {
			for _, in := range form.in {
				if form.String() == e.String() { // it has forms with and without a block
					page[in.pieces[0]] = true
				}
			}
		}
		if page, code := slices.Sorted(maps.Keys(page)), knownWords(answer); !slices.Equal(page, code) {
			t.Errorf("the block of %s has the words\n%v in the reference, and\n%v in the code", e, page, code)
		}
	})
}

// What can follow a word is a closed set here and there: kinds of stores, ways to sign in, actions.
func TestTheReferenceNamesWhatCanFollowAWord(t *testing.T) {
	eachEntry(grammar(t), func(e *entry, among []*entry) {
		for i := 1; i < len(e.pieces); i++ {
			code := knownWords(e.ask(t, e.line(t, firstChoice, i, strangeWord)+"\n"))
			if stands(e.pieces[i]) {
				for _, word := range code {
					if !strings.Contains(e.remark, word) {
						t.Errorf("%s: the remark does not say that %s may be %s", e, e.pieces[i], word)
					}
				}
				continue
			}
			if e.up == nil {
				continue // a matcher's or a format's name, of which Caddy has more
			}
			page, open := map[string]bool{}, false
			for _, other := range among {
				if other.pieces[0] == e.pieces[0] && len(other.pieces) > i {
					page[other.pieces[i]] = true
					open = open || stands(other.pieces[i])
				}
			}
			if open {
				continue // anything may be there: `login <user> <secret>` beside `login <user> oauth2`
			}
			if page := slices.Sorted(maps.Keys(page)); !slices.Equal(page, code) {
				t.Errorf("%s: in the place of %s there may be\n%v in the reference, and\n%v in the code", e, e.pieces[i], page, code)
			}
		}
	})
}

// choices are ways through a text that can be filled in in many ways: as many as it takes for each form of each word to be there once.
type choices struct {
	taken map[string]int // how often each choice was made
	of    map[string]int // which n it has
	most  int            // that one may be made of
	dull  int            // ways in a row in which nothing was there for the first time
}

// choose takes one of n, each in its turn.
func (c *choices) choose(what string, n int) int {
	next := c.taken[what]
	if c.taken[what]++; next < n {
		c.dull = 0
	}
	c.of[what], c.most = n, max(c.most, n)
	return next % n
}

// next goes on to the next way, where there is one: a form has forms within that show themselves when it is its turn again.
func (c *choices) next() bool {
	c.dull++
	return c.dull <= c.most
}

func TestTheReferencesGrammarIsAccepted(t *testing.T) {
	for _, root := range grammar(t) {
		c := choices{taken: map[string]int{}, of: map[string]int{}, most: 1}
		for c.next() {
			text := string(caddyfile.Format([]byte(root.whole(root.text(t, c.choose)))))
			if strings.Contains(text, "totp engine") && !strings.Contains(text, "secrets main vault") {
				if _, err := adapt(t, text); err == nil || !strings.Contains(err.Error(), "makes no codes itself") {
					t.Errorf("codes of a store that makes none: %v", err)
				}
				continue
			}
			mustAdapt(t, text)
		}
		for what, n := range c.of {
			if c.taken[what] < n {
				t.Errorf("%s: of %d forms, %d were tried", what, n, c.taken[what])
			}
		}
	}
}

// directives are the directives that the code registers.
func directives(t *testing.T) (names []string) {
	t.Helper()
	sourceOf(t, ".").each(func(n ast.Node) {
		called, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		if f, ok := called.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "RegisterDirective" || f.Sel.Name == "RegisterHandlerDirective" || f.Sel.Name == "RegisterGlobalOption") {
			if name, ok := called.Args[0].(*ast.BasicLit); ok {
				names = append(names, unquoted(name))
			}
		}
	})
	slices.Sort(names)
	return names
}

func TestTheReferenceHasEveryDirective(t *testing.T) {
	var page []string
	for _, root := range grammar(t) {
		if word := root.pieces[0]; strings.HasPrefix(word, "psa") {
			page = append(page, word)
		}
	}
	slices.Sort(page)
	if code := directives(t); !slices.Equal(page, code) {
		t.Errorf("global options and directives:\n%v in the reference, and\n%v in the code", page, code)
	}
}

// inWords are defaults that are no value of the code's.
var inWords = map[string]string{
	"psa login zone": "the one that is looked up", "psa integration login": "the only login",
	"psa secrets vault ca": "the system's", "psa secrets vault auth cert role": "any that fits",
	"psa_gateway public_url": "scheme and host as the client sees them", "psa_proxy public_url": "scheme and host as the client sees them",
	"psa_web":          "redirect",
	"format psa wrap":  "json (console on a terminal)",
	"psa store sqlite": "psagate/store/psagate.db in Caddy's data directory", "psa installation_key secret": "one that is made in Caddy's data directory",
	"psa alerts mail tls": "on", "psa mail imap tls": "on", "psa mail fallback ates tls": "on",
	"psa mail imap login oauth2 refresh_token": "client credentials", "psa mail imap ca": "the system's", "psa mail fallback ates ca": "the system's",
	"psa mail smtp domain": "the machine's", "psa mail smtp tls": "no TLS", "psa mail smtp from": "any", "psa mail alias lockout_notice ours": "not known", "psa mail as": "the mailbox itself", "psa mail login": "the only login",
	"psa mail default company": "0", "psa mail fallback ates from": "the first alias",
	"psa audit output": "file psagate/audit/audit.log in Caddy's data directory",
	"psa issuer ca":    "the system's", "psa alerts webhook on": "all", "psa alerts mail on": "all", "psa alerts webhook ca": "the system's", "psa alerts mail ca": "the system's",
}

// inCode are defaults as the code has them.
func inCode(t *testing.T) map[string]string {
	t.Helper()
	s, most := guard.Settings{}.WithDefaults(), guard.Settings{Threshold: 100}.WithDefaults()
	filePoll, fileStale := new(FileSecrets).Freshness()
	vaultPoll, vaultStale := new(VaultSecrets).Freshness()
	maxBody := strconv.Itoa(call.DefaultMaxBody>>20) + "MiB"
	all := map[string]string{
		"psa secrets file poll": asPeopleWrite(filePoll), "psa secrets file max_stale": asPeopleWrite(fileStale),
		"psa secrets vault poll": asPeopleWrite(vaultPoll), "psa secrets vault max_stale": asPeopleWrite(vaultStale),
		"psa login discover": call.DefaultDiscover, "psa login lockout": strconv.Itoa(s.Threshold),
		"psa login lockout budget":    fmt.Sprintf("threshold - %d", most.Threshold-most.Budget),
		"psa login lockout in_flight": fmt.Sprintf("budget - %d", most.Budget-most.InFlight),
		"psa login lockout linger":    asPeopleWrite(s.Linger), "psa login lockout recheck": asPeopleWrite(s.Recheck),
		"psa login queue":      fmt.Sprintf("%d %s", s.QueueLength, asPeopleWrite(s.QueueDeadline)),
		"psa_gateway max_body": maxBody, "psa_policy max_body": maxBody, "psa_proxy max_body": maxBody,
		"psa store sqlite ttl": asPeopleWrite(store.DefaultTTL), "psa store postgres ttl": asPeopleWrite(store.DefaultTTL),
		"psa issuer groups_claim":                          issuer.DefaultGroupsClaim,
		"psa issuer max_stale":                             asPeopleWrite(issuer.DefaultMaxStale),
		"psa_signin sessions":                              strconv.Itoa(session.DefaultMost),
		"psa_signin session":                               asPeopleWrite(session.DefaultIdle) + " " + asPeopleWrite(session.DefaultAbsolute),
		"psa second_factor enrol":                          documentedDefault(t, "SecondFactor", "Enrol"),
		"psa second_factor app_name":                       documentedDefault(t, "SecondFactor", "AppName"),
		"psa_web sessions":                                 documentedDefault(t, "WebProxy", "Desktop") + " " + documentedDefault(t, "WebProxy", "Mobile"),
		"psa_web idle":                                     documentedDefault(t, "WebProxy", "Idle"),
		"psa_web sign_in":                                  documentedDefault(t, "WebProxy", "SignInPaths"),
		"psa_web sign_out":                                 documentedDefault(t, "WebProxy", "SignOutNames"),
		"psa_web user_field":                               documentedDefault(t, "WebProxy", "UserFields"),
		"psa_web password_field":                           documentedDefault(t, "WebProxy", "PasswordFields"),
		"psa_web failed_sign":                              documentedDefault(t, "WebProxy", "FailedSigns"),
		"psa_web locked_sign":                              documentedDefault(t, "WebProxy", "LockedSigns"),
		"psa_stepup totp":                                  asPeopleWrite(stepup.DefaultMaxAge),
		"psa mail imap folders":                            documentedDefault(t, "MailIMAP", "Processed") + " and " + documentedDefault(t, "MailIMAP", "DeadLetter"),
		"psa mail imap poll":                               documentedDefault(t, "MailIMAP", "Poll"),
		"psa mail imap login service_account secret scope": token.GoogleMail,
		"psa mail alias lockout_notice":                    "from " + strings.Join(noticesFrom, " and "),
		"psa mail max_size":                                strconv.Itoa(usualMailSize>>20) + "MiB",
		"psa mail limit per hour":                          strconv.Itoa(call.MailsHour),
		"psa mail keep":                                    strconv.Itoa(int(mail.DefaultKeep/(24*time.Hour))) + "d",
		"psa mail fallback ates after":                     asPeopleWrite(usualFallbackAfter),
		"psa alerts every":                                 asPeopleWrite(alert.DefaultEvery),
		"psa policy time_zone":                             documentedDefault(t, "Policy", "TimeZone"),
		"psa secrets vault mount":                          documentedDefault(t, "VaultSecrets", "Mount"),
		"psa secrets vault auth kubernetes token_path":     documentedDefault(t, "VaultAuth", "Path"),
	}
	for _, method := range authMethods() {
		all["psa secrets vault auth "+method+" mount"] = documentedDefault(t, "VaultAuth", "Mount")
	}
	return all
}

// documentedDefault is the one that a field's comment tells, for those that are deep in the code.
func documentedDefault(t *testing.T, of, name string) (text string) {
	t.Helper()
	sourceOf(t, ".").fields(func(in, field string, f *ast.Field) {
		if m := defaultInDoc.FindStringSubmatch(f.Doc.Text()); m != nil && in == of && field == name {
			text = m[1]
		}
	})
	return text
}

var defaultInDoc = regexp.MustCompile(`Default(?: for \w+)?: (\S.*?)\.?\n`)

// asPeopleWrite is a duration as people write it.
func asPeopleWrite(d time.Duration) string {
	text := d.String()
	for _, none := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, none) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// theDefault is what a remark says of a default.
var theDefault = regexp.MustCompile(`default:? (.+?)(?:[,;] |: |$)`)

func TestTheReferencesDefaultsAreTheCodes(t *testing.T) {
	want := inCode(t)
	maps.Copy(want, inWords)
	eachEntry(grammar(t), func(e *entry, _ []*entry) {
		m := theDefault.FindStringSubmatch(e.remark)
		switch def, has := want[e.String()]; {
		case !has && m != nil:
			t.Errorf("%s: teach this test where the default %q comes from", e, m[1])
		case has && (m == nil || m[1] != def):
			t.Errorf("%s: the default is %q, and the reference says %q", e, def, e.remark)
		}
		delete(want, e.String())
	})
	for word := range want {
		t.Errorf("the reference has no line for %s", word)
	}
}
