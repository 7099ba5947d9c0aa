package webproxy

import (
	"fmt"
	"html"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Signs are by what is seen of sign-ins on the PSA's pages. Of the live pages next to nothing is known; what is empty is a default.
type Signs struct {
	// SignIn are the beginnings of paths below which people sign in. Default: /Mvc/Framework/Authentication.mvc/.
	SignIn []string
	// SignOut are the last parts of paths that sign people out. Default: SignOut, Logout, LogOff.
	SignOut []string
	// UserFields are the fields of forms that hold the user name. Default: UserName, User, Login, Email.
	UserFields []string
	// PasswordFields are those that hold the password. Default: Password, Pwd.
	PasswordFields []string
	// Failed are texts on the page that follows a failed sign-in. That the page asks for a password again after one was sent is a sign
	// too. Default: what the vendor's help says of one-time codes.
	Failed []string
	// Locked are texts that say that the user is locked. Default: what the PSA's other interface says.
	Locked []string
}

// withDefaults fills in what is empty, and has all of it in the case in which it is compared.
func (s Signs) withDefaults() Signs {
	for of, otherwise := range map[*[]string][]string{
		&s.SignIn:         {"/mvc/framework/authentication.mvc/"},
		&s.SignOut:        {"signout", "logout", "logoff"},
		&s.UserFields:     {"username", "user", "login", "email"},
		&s.PasswordFields: {"password", "pwd"},
		&s.Failed:         {"otp token is invalid"},
		&s.Locked:         {"account has been locked"},
	} {
		if len(*of) == 0 {
			*of = otherwise
		}
		*of = slices.Clone(*of)
		for i, text := range *of {
			(*of)[i] = strings.ToLower(text)
		}
	}
	return s
}

// shortest is the least that a sign may be, in bytes: a shorter one stands on every page.
const shortest = 6

// Check says what is wrong with them.
func (s Signs) Check() error {
	for _, text := range slices.Concat(s.Failed, s.Locked) {
		if len(strings.TrimSpace(text)) < shortest {
			return fmt.Errorf("the sign %q would be seen where there is none: give %d characters at least", text, shortest)
		}
	}
	for _, start := range s.SignIn {
		if len(start) < 2 || start[0] != '/' {
			return fmt.Errorf("%q is no path at which people sign in: it must begin with / and be more than that", start)
		}
	}
	return nil
}

// at says whether a path is one of the sign-in's.
func (s Signs) at(p string) bool {
	p = plain(p) + "/"
	return slices.ContainsFunc(s.SignIn, func(start string) bool { return strings.HasPrefix(p, start) })
}

// leaves says whether a path signs out.
func (s Signs) leaves(p string) bool {
	last := strings.ToLower(path.Base(p))
	return slices.ContainsFunc(s.SignOut, func(name string) bool { return last == name || strings.HasPrefix(last, name+".") })
}

// said is the sign that a page shows of a failed sign-in; empty where it shows none. lowered is its text, sent that of what it answers, and
// passwords are attempt's. A text that was sent and is shown again, as pages do with addresses to return to, says nothing.
func (s Signs) said(lowered, sent string, passwords []string) (sign string, locked bool) {
	shows := func(text string) bool { return strings.Contains(lowered, text) && !strings.Contains(sent, text) }
	for _, text := range s.Locked {
		if shows(text) {
			return text, true
		}
	}
	for _, text := range s.Failed {
		if shows(text) {
			return text, false
		}
	}
	if len(passwords) > 0 && asksFor(lowered, passwords) {
		return askedAgain, false
	}
	return "", false
}

var (
	passwordInput = regexp.MustCompile(`<input\b[^>]*\btype\s*=\s*["']?password\b[^>]*>`)
	inputName     = regexp.MustCompile(`\sname\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`)
)

// asksFor says whether a page asks for one of some passwords. One in a field of another name was not sent before: the PSA's first step,
// to which somebody sends more than it takes, has judged nothing.
func asksFor(lowered string, passwords []string) bool {
	for _, input := range passwordInput.FindAllString(lowered, -1) {
		name := strings.Join(append(inputName.FindStringSubmatch(input), "", "", "", "")[1:4], "")
		if name == "" || slices.Contains(passwords, "") || slices.Contains(passwords, html.UnescapeString(name)) {
			return true
		}
	}
	return false
}

// plainRefusal is what is said of a sign-in that HTTP itself refuses.
const plainRefusal = "the answer is a 401"

// askedAgain is what is said of a page that asks for the password that was just sent.
const askedAgain = "the password is asked for again"
