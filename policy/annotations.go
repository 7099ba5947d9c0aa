package policy

import (
	"strings"
	"time"
)

// The annotations that mean something to us. Others are Cedar's custom: notes without effect.
const (
	annotationID     = "id"
	annotationReason = "reason"
	annotationStepUp = "stepup"
)

// annotate reads a policy's annotations.
func (l *loader) annotate(r *rule) {
	for _, a := range r.ast().Annotations {
		value := string(a.Value)
		switch key := string(a.Key); key {
		case annotationID:
			r.reason.Policy = value
			if value == "" || strings.ContainsAny(value, "\r\n") {
				line, column := r.atWord(key)
				l.wrong(r, line, column, `@id wants a name on one line, as in @id("tickets")`)
			}
		case annotationReason:
			r.reason.Text = value
		case annotationStepUp:
			l.stepUp(r, value)
		default:
			l.note(r, key)
		}
	}
}

// note sees that an annotation of no meaning is not meant to have one: a misspelt @stepup would be a permit for all.
func (l *loader) note(r *rule, key string) {
	known := []string{annotationID, annotationReason, annotationStepUp}
	plain := strings.ReplaceAll(strings.ToLower(key), "_", "")
	word, changes := nearest(plain, known)
	if changes <= len(word)/3 {
		line, column := r.atWord(key)
		l.wrong(r, line, column, "unknown annotation @%s; did you mean @%s?", key, word)
	}
}

// stepUp reads @stepup. It belongs to permits for people alone: a program has no second factor, and whether it is let
// through or shut out may not hang on a guess. Deeds are people's alone.
func (l *loader) stepUp(r *rule, value string) {
	line, column := r.atWord(annotationStepUp)
	age, err := time.ParseDuration(value)
	switch {
	case err != nil || age <= 0:
		l.wrong(r, line, column, `@stepup wants how old a second factor may be, as in @stepup("15m"), not %q`, value)
	case !r.permit:
		l.wrong(r, line, column, "@stepup belongs to a permit; a forbid asks for nothing")
	case r.actions&deedActions != 0 && age > mostDeedMaxAge:
		l.wrong(r, line, column, "what people do on psagate itself wants a second factor of %s at the most; write a shorter @stepup", mostDeedMaxAge)
	case r.actions&callActions != 0 && !r.forPeople():
		l.wrong(r, line, column, `@stepup is for people, who alone have a second factor: write "principal is Person", or name a Person or PersonGroup`)
	}
	r.stepUp = age
}

// forPeople says whether the head of a policy takes nobody but people.
func (r *rule) forPeople() bool {
	person := r.principal.typ == "Person" || r.principal.eq.Type == "Person" || r.principal.in.Type == "Person"
	return person || r.principal.in.Type == typePersonGroup
}
