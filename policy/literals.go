package policy

import (
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
)

// checkLiteral sees that Type::"name" is something.
func (l *loader) checkLiteral(r *rule, e types.EntityUID) {
	if !l.checkType(r, e.Type) {
		return
	}
	name := string(e.ID)
	switch e.Type {
	case typeAction:
		if bitOf(Action(name)) == 0 {
			line, column := r.atEntity(e)
			l.wrong(r, line, column, "unknown action %q%s", name, didYouMean(name, words().actions))
		}
		if r.permit && r.namesNoAction() && bitOf(Action(name))&deedActions&^r.actions != 0 {
			line, column := r.atEntity(e)
			l.wrong(r, line, column, "a permit for what people do on psagate itself names it in its head: write action == %s there", e)
		}
	case typeEntity:
		l.checkEntity(r, e)
	case typeIntegrationGroup:
		l.expect(r, e, "group of integrations", name, l.options.Groups)
	case typePersonGroup, types.EntityType(Person):
		l.checkPerson(r, e)
	case types.EntityType(Integration):
		l.expect(r, e, "integration", name, l.options.Integrations)
	case types.EntityType(Login):
		l.expect(r, e, "login", name, l.options.Logins)
	case types.EntityType(Mailbox):
		l.expect(r, e, "mailbox", name, l.options.Mailboxes)
	}
}

// expect warns of a name that the config does not have.
func (l *loader) expect(r *rule, e types.EntityUID, what, name string, known []string) {
	if known == nil || slices.Contains(known, name) {
		return
	}
	line, column := r.atEntity(e)
	l.odd(r, line, column, "no %s is called %q%s", what, name, didYouMean(name, known))
}

// checkPerson sees that a person or a group of people has the issuer in front.
func (l *loader) checkPerson(r *rule, e types.EntityUID) {
	issuer, name, both := strings.Cut(string(e.ID), "/")
	if !both || issuer == "" || name == "" {
		line, column := r.atEntity(e)
		l.wrong(r, line, column, `%s has no issuer in front; write %s::"<issuer>/%s"`, e, e.Type, e.ID)
		return
	}
	l.expect(r, e, "issuer", issuer, l.options.Issuers)
}

// checkEntity sees that an entity's name is the PSA's. The PSA gets new ones, so that a name is unknown is no error; that
// it is almost a known one is.
func (l *loader) checkEntity(r *rule, e types.EntityUID) {
	name := string(e.ID)
	known, by := l.entities.add(name, r)
	line, column := r.atEntity(e)
	switch {
	case known != name && by == nil:
		l.wrong(r, line, column, "the entity %q is spelled %q", name, known)
	case known != name:
		l.wrong(r, line, column, "the entity %q is spelled %q at %s:%d", name, known, by.reason.File, by.reason.Line)
	case l.options.Entities == nil || slices.Contains(l.options.Entities, name):
	default:
		l.unknownEntity(r, line, column, name, by == nil)
	}
}

// unknownEntity is an error each time, and a warning the first time.
func (l *loader) unknownEntity(r *rule, line, column int, name string, first bool) {
	_, changes := nearest(name, l.options.Entities)
	switch like := didYouMean(name, l.options.Entities); {
	case name == "" || name[0] < 'A' || name[0] > 'Z':
		l.wrong(r, line, column, "unknown entity %q, and the PSA's begin with a capital letter%s", name, like)
	case changes <= misspelt:
		l.wrong(r, line, column, "unknown entity %q%s", name, like)
	case first:
		l.odd(r, line, column, "unknown entity %q; it may be new at the PSA, else no call will ever be for it%s", name, like)
	}
}
